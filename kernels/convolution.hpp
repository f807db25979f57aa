#pragma once

// Two-dimensional convolution (cross-correlation, as the field uses the word) over channels-last images.

#include "kernels/activation.hpp"
#include "kernels/device.hpp"
#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"

#include <cstdint>
#include <memory>

namespace eightfold::kernels {

struct ConvolutionShape {
  std::int64_t batch = 0;
  std::int64_t height = 0, width = 0, in_channels = 0;
  std::int64_t out_channels = 0;
  std::int64_t kernel = 1;   // square
  std::int64_t stride = 1;   // the same both ways
  std::int64_t padding = 0;  // zeros on every side
  std::int64_t groups = 1;   // divides both channel counts
  Activation activation = Activation::identity;

  std::int64_t out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  std::int64_t out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
};

// Planned once; see Linear for the protocol of the backward calls. x [batch, height, width, in_channels],
// weight [out_channels, kernel, kernel, in_channels / groups], bias [out_channels],
// y [batch, out_height, out_width, out_channels]. A library that wants weights in a layout of its own gets a
// copy, packed by begin_step() and good for the passes of one step.
class Convolution {
 public:
  virtual ~Convolution() = default;

  // The weights have changed: to be called before the first pass that uses the new ones.
  virtual void begin_step(StreamView stream, ConstTensor weight) = 0;
  virtual void forward(StreamView stream, ConstTensor x, ConstTensor bias, Tensor y) = 0;
  virtual void backward_parameters(StreamView stream, ConstTensor x, ConstTensor y, Tensor dy,
                                   GradientMode mode, Tensor dweight, Tensor dbias) = 0;
  virtual void backward_data(StreamView stream, ConstTensor dy, Tensor dx) = 0;
};

std::unique_ptr<Convolution> plan_convolution(Device device, const ConvolutionShape& shape);

}  // namespace eightfold::kernels
