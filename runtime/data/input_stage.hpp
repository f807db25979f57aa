#pragma once

// Copies the bytes and labels of a loaded pass to the device. The bytes become the network's input, with each
// channel's mean 0 and deviation 1 over the training data.
//
// On a GPU the copies have a stream of their own. So that they need not wait for the pass before, two passes
// have room on the device: one that is computed, one that is copied.

#include "kernels/buffer.hpp"
#include "kernels/stream.hpp"
#include "runtime/data/statistics.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace eightfold::runtime::data {

class InputStage {
 public:
  // For passes of `rows` samples of shape `sample` [height, width, channels].
  InputStage(kernels::Device device, const Normalization& normalization, const kernels::Shape& sample,
             std::int64_t rows);

  // Enqueues everything; images [rows, height, width, channels] u8 and labels [rows] i32 are host memory that
  // must stay until the stream has passed. Fills `input` and returns the labels as the device sees them.
  // Requires: all that reads the labels of earlier passes is on `stream` by now, the same for all passes.
  kernels::ConstTensor load(kernels::StreamView stream, kernels::ConstTensor images,
                            kernels::ConstTensor labels, kernels::Tensor input);

 private:
  // Absent on the host: there the pass itself is read.
  struct Copies {
    struct Room {
      kernels::Buffer<std::uint8_t> images;
      kernels::Buffer<std::int32_t> labels;
      kernels::Event consumed;  // all that reads them is done
    };
    Room& current() { return rooms[pass % rooms.size()]; }

    kernels::Stream stream;
    kernels::Event copied;
    std::array<Room, 2> rooms;
    std::size_t pass = 0;
  };
  static std::unique_ptr<Copies> make_copies(kernels::Device device, std::int64_t rows,
                                             std::int64_t sample_elements);

  kernels::Buffer<float> scale_, shift_;
  std::unique_ptr<Copies> copies_;
};

}  // namespace eightfold::runtime::data
