#pragma once

// A level table as kernels want it.
//
// To encode, a search that is one lookup and one addition. Magnitudes are put into buckets by their upper
// bits, exponent and six bits of mantissa; no two thresholds share a bucket. Each bucket has a number to add
// to a magnitude's lower bits. The sum carries into the top byte exactly if the magnitude is above the
// bucket's threshold. The number also holds the level at the bucket's start, so the top byte of the sum is
// the level.
//
// To decode, the value of each code, its sign included.

#include "quant8/format.hpp"

#include <cmath>
#include <cstdint>

namespace eightfold::quant8::cuda {

struct LevelTables {
  static constexpr int kShift = 17;                         // bits below the bucket's
  static constexpr std::uint32_t kFirst = (127 - 34) << 6;  // below 2^-34 every format has only level 0
  static constexpr std::uint32_t kLast = 127 << 6;          // from 1 on, only the last level
  static constexpr int kBuckets = static_cast<int>(kLast - kFirst + 1);
  static constexpr int kCodes = 2 * kMaxLevels;

  float level[kCodes] = {};  // by code
  float inverse_gap[kMaxLevels] = {};
  std::uint32_t step[kBuckets] = {};
};

constexpr std::uint32_t bucket_step(const LevelTable& levels, std::uint32_t bucket) {
  constexpr std::uint32_t kLower = (1U << LevelTables::kShift) - 1;
  std::uint32_t level = 0;
  while (kernels::bit_cast<std::uint32_t>(levels.threshold[level]) < bucket << LevelTables::kShift) ++level;
  const std::uint32_t threshold = kernels::bit_cast<std::uint32_t>(levels.threshold[level]);
  const std::uint32_t carry = threshold >> LevelTables::kShift == bucket ? kLower - (threshold & kLower) : 0;
  // The magnitude's bits are moved up by 7, so that the lower ones end below the top byte. The bucket's bits
  // that remain in the top byte are subtracted.
  return (level << 24) + (carry << 7) - (bucket << 24);
}

// The tables of a format with levels.
constexpr LevelTables make_level_tables(Format format) {
  const LevelTable levels = make_table(levels_of(format));
  LevelTables tables;
  const int sign = 1 << sign_position(format);
  for (int i = 0; i < sign; ++i) {
    tables.level[i] = levels.level[i];
    tables.level[sign + i] = -levels.level[i];
  }
  for (int i = 0; i < kMaxLevels; ++i) tables.inverse_gap[i] = levels.inverse_gap[i];
  for (int i = 0; i < LevelTables::kBuckets; ++i)
    tables.step[i] = bucket_step(levels, LevelTables::kFirst + static_cast<std::uint32_t>(i));
  return tables;
}

// With the level nearest to y in the top byte. y is below 1 + 2^-6, which magnitudes over their scale are;
// NaN has level 0. `step` are those of a LevelTables.
EIGHTFOLD_HOST_DEVICE inline std::uint32_t search_level(const std::uint32_t* step, float y) {
  const std::uint32_t bits = kernels::bit_cast<std::uint32_t>(fmaxf(y, 0x1p-34F));
  return (bits << 7) + step[(bits >> LevelTables::kShift) - LevelTables::kFirst];
}

}  // namespace eightfold::quant8::cuda
