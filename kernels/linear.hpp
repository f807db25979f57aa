#pragma once

// Fully connected layers: y = activation(x W^T + b).

#include "kernels/activation.hpp"
#include "kernels/device.hpp"
#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"

#include <cstdint>
#include <memory>

namespace eightfold::kernels {

struct LinearShape {
  std::int64_t batch = 0;
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  Activation activation = Activation::identity;
};

// Planned once for a shape and a device; owns whatever workspace its library wants, so that calls allocate
// nothing. x [batch, inputs], W [outputs, inputs], b [outputs], y [batch, outputs]; all fp32, row-major. One
// call at a time.
class Linear {
 public:
  virtual ~Linear() = default;

  virtual void forward(StreamView stream, ConstTensor x, ConstTensor weight, ConstTensor bias, Tensor y) = 0;
  // First replaces dy, the gradient of y, by the gradient before the activation. So dy is clobbered, and this
  // call comes before backward_data of the same pass. y is the result of forward.
  virtual void backward_parameters(StreamView stream, ConstTensor x, ConstTensor y, Tensor dy,
                                   GradientMode mode, Tensor dweight, Tensor dbias) = 0;
  // dx = dy W, with dy as backward_parameters left it.
  virtual void backward_data(StreamView stream, ConstTensor dy, ConstTensor weight, Tensor dx) = 0;
};

std::unique_ptr<Linear> plan_linear(Device device, const LinearShape& shape);

}  // namespace eightfold::kernels
