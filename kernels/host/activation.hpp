#pragma once

// The output of linear and convolution layers, forward and backward, in one pass over memory each.

#include "kernels/activation.hpp"
#include "kernels/operations.hpp"

#include <cstdint>
#include <vector>

namespace eightfold::kernels::host {

// y = activation(y). oneDNN's fused ReLU is not used, because it turns NaN into 0 and so hides divergence.
inline void activate(StreamView stream, Activation activation, Tensor y) {
  if (activation == Activation::relu) host::pointwise_forward(stream, Pointwise::relu, y, y);
}

// Rows of `width` outputs: y = activation(y + bias).
void add_bias(const float* bias, std::int64_t rows, std::int64_t width, Activation activation, float* y);

// Rows of `width` outputs. Replaces dy by the gradient before the activation, and sums it over the rows into
// dbias. The order of additions depends on the shape alone.
class BiasGradient {
 public:
  BiasGradient(std::int64_t rows, std::int64_t width, Activation activation);
  void operator()(const float* y, float* dy, GradientMode mode, float* dbias);

 private:
  std::int64_t rows_, width_;
  Activation activation_;
  std::vector<float> partial_;  // a sum of each chunk of rows
};

}  // namespace eightfold::kernels::host
