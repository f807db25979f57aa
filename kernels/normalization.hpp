#pragma once

// Local response normalisation across channels (Krizhevsky et al. 2012, section 3.3):
//   y_c = x_c / s_c^beta,  s_c = k + alpha / size * sum of x_j^2 over the `size` channels centred on c.

#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"

#include <cstdint>

namespace eightfold::kernels {

struct LocalResponse {
  std::int64_t size = 5;  // odd
  float alpha = 1e-4F;    // divided by size, as cuDNN and PyTorch read it
  float beta = 0.75F;
  float k = 2;
};

// x, y: fp32, channels innermost; not in place.
void local_response_forward(StreamView stream, const LocalResponse& parameters, ConstTensor x, Tensor y);
// dx from the input x and dy; recomputes s instead of storing it. dx must not be dy or x.
void local_response_backward(StreamView stream, const LocalResponse& parameters, ConstTensor x,
                             ConstTensor dy, Tensor dx);

}  // namespace eightfold::kernels
