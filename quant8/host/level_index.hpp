#pragma once

// A level table as the loops want it.
//
// To encode: an index by the upper bits of a magnitude, its exponent and six bits of mantissa. No two
// thresholds share such a bucket, so that a bucket's first level and one comparison are a search.
// To decode: the levels byte by byte, because permutes of bytes look up 64 of them at once.

#include "quant8/format.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace eightfold::quant8::host {

struct LevelIndex {
  static constexpr int kShift = 17;
  static constexpr int kSmallest = (127 - 34) << 6;  // below 2^-34 every format has only level 0
  static constexpr int kLargest = 127 << 6;          // from 1 on only the last level

  LevelTable levels;
  // The level at the bucket's lower end. Three bytes more, for loads of 32 bits.
  std::array<std::uint8_t, kLargest - kSmallest + 1 + 3> first{};
  // Byte k of levels.level[i] is plane[k][i].
  alignas(64) std::uint8_t plane[sizeof(float)][kMaxLevels] = {};

  static constexpr int bucket(float y) {
    const auto upper = static_cast<int>(kernels::bit_cast<std::uint32_t>(y) >> kShift);
    return std::clamp(upper, kSmallest, kLargest) - kSmallest;
  }
  // The same as nearest_level().
  constexpr int nearest(float y) const {
    const int level = first[static_cast<std::size_t>(bucket(y))];
    return level + (levels.threshold[level] < y ? 1 : 0);
  }
};

constexpr LevelIndex make_level_index(Format format) {
  LevelIndex index;
  index.levels = make_table(levels_of(format));
  int level = 0;
  for (int bucket = 0; bucket <= LevelIndex::kLargest - LevelIndex::kSmallest; ++bucket) {
    const auto bits = static_cast<std::uint32_t>(bucket + LevelIndex::kSmallest) << LevelIndex::kShift;
    while (kernels::bit_cast<std::uint32_t>(index.levels.threshold[level]) < bits) ++level;
    index.first[static_cast<std::size_t>(bucket)] = static_cast<std::uint8_t>(level);
  }
  for (unsigned k = 0; k < sizeof(float); ++k)
    for (int i = 0; i < kMaxLevels; ++i)
      index.plane[k][i] =
          static_cast<std::uint8_t>(kernels::bit_cast<std::uint32_t>(index.levels.level[i]) >> (8 * k));
  return index;
}

// Null for a format without levels.
const LevelIndex* level_index(Format format);

}  // namespace eightfold::quant8::host
