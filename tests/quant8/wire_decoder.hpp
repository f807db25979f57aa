#pragma once

// A decoder of encoded segments, written from docs/wire_format.md and from nothing else: it includes no
// header of quant8 and shares no constant with it. Slow and without checks beyond the document's.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace eightfold::quant8::testing {

struct WireMessage {
  std::uint16_t sequence = 0;
  std::vector<float> values;
  std::optional<std::uint64_t> hash;  // as it came, unchecked
};

// Throws std::runtime_error for what is no segment of version 1, or has another length than it says.
WireMessage decode_by_the_document(std::span<const std::uint8_t> segment);

}  // namespace eightfold::quant8::testing
