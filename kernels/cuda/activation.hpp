#pragma once

// The output of linear and convolution layers, forward and backward, in one pass over memory each. The
// counterpart of kernels/host/activation.hpp. ReLU is not left to cuBLASLt or cuDNN, which turn NaN into 0:
// an exploding network has to show.

#include "kernels/activation.hpp"
#include "kernels/buffer.hpp"
#include "kernels/stream.hpp"

#include <cstdint>

namespace eightfold::kernels::cuda {

// Rows of `width` outputs: y = activation(y + bias).
void add_bias(StreamView stream, const float* bias, std::int64_t rows, std::int64_t width,
              Activation activation, float* y);

// Rows of `width` outputs. Replaces dy by the gradient before the activation, and sums it over the rows into
// dbias. The order of additions depends on the shape alone.
class BiasGradient {
 public:
  BiasGradient(Device device, std::int64_t rows, std::int64_t width, Activation activation);
  void operator()(StreamView stream, const float* y, float* dy, GradientMode mode, float* dbias);

 private:
  std::int64_t rows_, width_, chunks_;
  Activation activation_;
  Buffer<float> partial_;  // a sum of each chunk of rows
};

}  // namespace eightfold::kernels::cuda
