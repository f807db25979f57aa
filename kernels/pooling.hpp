#pragma once

// Pooling over windows of channels-last images.

#include "kernels/device.hpp"
#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"

#include <cstdint>
#include <memory>

namespace eightfold::kernels {

enum class PoolingMode {
  max,      // the first of equal maxima, in row-major order, receives the gradient; NaN exceeds everything
  average,  // over the window's elements inside the image: padding does not count
};

struct PoolingShape {
  std::int64_t batch = 0;
  std::int64_t height = 0, width = 0, channels = 0;
  std::int64_t kernel = 2;
  std::int64_t stride = 2;
  std::int64_t padding = 0;  // less than kernel
  PoolingMode mode = PoolingMode::max;

  std::int64_t out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  std::int64_t out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
};

// Planned once. x [batch, height, width, channels], y [batch, out_height, out_width, channels]. Remembers the
// positions of the maxima between forward and the backward of the same pass.
class Pooling {
 public:
  virtual ~Pooling() = default;
  virtual void forward(StreamView stream, ConstTensor x, Tensor y) = 0;
  virtual void backward(StreamView stream, ConstTensor dy, Tensor dx) = 0;
};

std::unique_ptr<Pooling> plan_pooling(Device device, const PoolingShape& shape);

}  // namespace eightfold::kernels
