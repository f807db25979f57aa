#pragma once

// The loss at the end of a network, with its gradient in the same pass.

#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"

#include <cstdint>

namespace eightfold::kernels {

// Softmax and cross-entropy over rows of logits.
//   logits [rows, classes] fp32; labels [rows] i32; only the first `samples` rows count.
//   totals [2] f64: the sum of losses and the number of correct predictions (first of equal maxima) are
//   *added*. dlogits [rows, classes], may be absent or the logits themselves: gradient of weight * sum of
//   losses. Rows from `samples` on get 0. So a pass with fewer samples than planned rows learns nothing from
//   the rest.
// A label outside the classes makes the loss NaN. A NaN logit makes the loss NaN.
void softmax_cross_entropy(StreamView stream, ConstTensor logits, ConstTensor labels, std::int64_t samples,
                           float weight, Tensor totals, Tensor dlogits);

}  // namespace eightfold::kernels
