#pragma once

// A size on the wire for tests that is no multiple of anything: a header, a scale per block, a byte per
// element.

#include <cstddef>
#include <cstdint>

namespace eightfold::test {

inline std::size_t odd_wire_size(std::int64_t elements) {
  return static_cast<std::size_t>(17 + 2 * ((elements + 255) / 256) + elements);
}

}  // namespace eightfold::test
