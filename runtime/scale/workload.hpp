#pragma once

// The computing of one rank of a job in a step, and the cost of its codecs. The figures are a profile of a
// device (`eightfold bench step --profile`), or published. Seconds.

#include "quant8/format.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace eightfold::runtime::scale {

struct LayerTimes {
  std::string name;
  std::int64_t parameters = 0;
  double forward_s = 0;
  double backward_s = 0;  // of the gradients of its parameters and of its input
};

// Per number.
struct CodecCost {
  quant8::Format format = quant8::Format::fp32;
  double encode_s = 0;
  double decode_s = 0;
};

enum class WorkloadDevice {
  host,  // the engine's thread encodes, on the cores that compute
  cuda,  // codec kernels run on the device that computes, which computes nothing meanwhile
};

struct Workload {
  std::string name;
  std::string description;
  std::string machine;  // a profile's; else empty
  std::string date;
  WorkloadDevice device = WorkloadDevice::cuda;
  std::int64_t batch = 0;             // samples of one rank in a step
  std::vector<LayerTimes> layers;     // from the input to the loss
  double other_s = 0;                 // of the step, before the first layer
  double update_s_per_parameter = 0;  // 0 leaves the optimizer out

  // Codecs that are not listed move bytes at `codec_share` of the memory's rate; 0: it is not known.
  double memory_bytes_per_s = 0;
  double codec_share = 0.85;
  std::vector<CodecCost> codecs;

  std::int64_t parameters() const;
  // Forward, backward, update and the rest, without codecs.
  double step_s() const;
  // What is listed. Else an encode or a decode moves the number itself, 4 bytes, and its bytes on the wire
  // without scales. Throws ConfigError if the codec is not listed and the memory's rate not known.
  CodecCost codec_cost(quant8::Format format) const;
  // The same for another number of samples: all but the update and the codecs in proportion.
  Workload with_batch(std::int64_t samples) const;
};

}  // namespace eightfold::runtime::scale
