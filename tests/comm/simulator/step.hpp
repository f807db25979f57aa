#pragma once

// Steps and fabrics of round numbers, and what they come to by hand.

#include "comm/exchange.hpp"
#include "comm/executor/executor.hpp"
#include "comm/schedules/generators.hpp"
#include "comm/simulator/simulator.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace eightfold::test {

// The bytes of a shard on the wire, in the segments of an exchange that is not told otherwise.
inline comm::schedules::WireSize default_wire(quant8::Format format, kernels::DeviceKind kind) {
  const std::shared_ptr<quant8::Codec> codec = quant8::make_codec({}, {format});
  const std::int64_t segment =
      comm::executor::segment_elements(*codec, comm::default_segment_bytes(kernels::Device{kind, 0}));
  return [codec, segment](std::int64_t count) {
    return comm::executor::segmented_bytes(*codec, segment, count);
  };
}

inline std::vector<const comm::schedules::Generator*> allreduces(quant8::Format format) {
  std::vector<const comm::schedules::Generator*> all;
  for (const comm::schedules::Generator& generator : comm::schedules::generators())
    if (generator.collective == comm::schedules::Collective::all_reduce &&
        (!generator.exact_only || format == quant8::Format::fp32))
      all.push_back(&generator);
  return all;
}

}  // namespace eightfold::test
