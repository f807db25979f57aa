#pragma once

// Copies the bytes and labels of a loaded pass to the device. The bytes become the network's input, with each
// channel's mean 0 and deviation 1 over the training data.

#include "kernels/buffer.hpp"
#include "kernels/stream.hpp"
#include "runtime/data/statistics.hpp"

namespace eightfold::runtime::data {

class InputStage {
 public:
  // For passes of `rows` samples of shape `sample` [height, width, channels].
  InputStage(kernels::Device device, const Normalization& normalization, const kernels::Shape& sample,
             std::int64_t rows);

  // Enqueues everything; images [rows, height, width, channels] u8 and labels [rows] i32 are host memory that
  // must stay until the stream has passed. Fills `input` and returns the labels as the device sees them.
  kernels::ConstTensor load(kernels::StreamView stream, kernels::ConstTensor images,
                            kernels::ConstTensor labels, kernels::Tensor input);

 private:
  kernels::Device device_;
  kernels::Buffer<float> scale_, shift_;
  kernels::Buffer<std::uint8_t> images_;  // empty on the host: there the pass itself is read
  kernels::Buffer<std::int32_t> labels_;
};

}  // namespace eightfold::runtime::data
