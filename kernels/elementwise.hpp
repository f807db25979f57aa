#pragma once

// Operations on each element by itself. Tensors are fp32 unless said otherwise, of equal sizes, on the
// stream's device; an output may be the same memory as an input. Results are bitwise reproducible and
// independent of how the work is divided.

#include "kernels/random.hpp"
#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"

namespace eightfold::kernels {

// y = value.
void fill(StreamView stream, float value, Tensor y);
// y = alpha x + y.
void add_scaled(StreamView stream, float alpha, ConstTensor x, Tensor y);
// y = scale[c] x + shift[c], x in bytes, c the innermost axis: image bytes to network input. scale and shift
// have as many elements as the innermost axis.
void bytes_to_float(StreamView stream, ConstTensor x, ConstTensor scale, ConstTensor shift, Tensor y);

// A function of one number whose derivative follows from its result. NaN stays NaN.
//   relu  max(x, 0), with derivative 0 at 0
//   tanh  within 3 units in the last place, never beyond 1, monotone
enum class Pointwise { relu, tanh };
// y = f(x).
void pointwise_forward(StreamView stream, Pointwise function, ConstTensor x, Tensor y);
// dx = dy f'(x). Takes the forward result y, not x.
void pointwise_backward(StreamView stream, Pointwise function, ConstTensor y, ConstTensor dy, Tensor dx);

// The mask of a dropout: element i of the tensor is index first + i of the key's numbers. So a sample drops
// the same units on any rank and in any micro-batch.
struct DropoutMask {
  float rate = 0;  // probability of dropping, in [0, 1)
  RandomKey key;
  std::uint64_t first = 0;
};
// y = x / (1 - rate) where the mask keeps, else 0 (inverted dropout). The backward pass is the same function
// of dy.
void dropout(StreamView stream, const DropoutMask& mask, ConstTensor x, Tensor y);

}  // namespace eightfold::kernels
