#pragma once

// What happens at the output of linear and convolution layers on the way back, in one pass over memory.

#include "kernels/activation.hpp"
#include "kernels/tensor.hpp"

#include <cstdint>
#include <vector>

namespace eightfold::kernels::host {

// Rows of `width` outputs: replaces dy by the gradient before the activation and sums it over the rows into
// dbias, in an order that depends on the shape alone.
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
