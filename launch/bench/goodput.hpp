#pragma once

#include <cstddef>

namespace eightfold::launch::bench {

// Goodput is measured with so many bytes from every rank to its next neighbour, all at once.
inline constexpr std::size_t kGoodputBytes = std::size_t{32} << 20;

}  // namespace eightfold::launch::bench
