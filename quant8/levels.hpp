#pragma once

// The levels of the table formats: the magnitudes, over [0, 1], that a code can stand for. Each rule gives
// them as integers over one denominator, ascending, the first 0 and the last 1. All numbers used in
// arithmetic follow from those integers alone, each rounded once:
//   level[i]      the fp32 number nearest to numerator[i] / denominator
//   threshold[i]  the largest fp32 number that rounds to level i or below: the middle between levels i and
//                 i + 1. If that is an fp32 number itself and i is odd, it is the one before (ties to even).
// Host and device compile this header; tables are made at compile time.

#include "kernels/float16.hpp"
#include "kernels/random.hpp"

#include <cstdint>

namespace eightfold::quant8 {

inline constexpr int kMaxLevels = 128;

struct Fractions {
  int count = 0;
  std::int64_t denominator = 1;
  std::int64_t numerator[kMaxLevels] = {};

  // Keeps them ascending and each value once.
  EIGHTFOLD_HOST_DEVICE constexpr void insert(std::int64_t value) {
    int at = count;
    while (at > 0 && numerator[at - 1] > value) --at;
    if (at > 0 && numerator[at - 1] == value) return;
    for (int i = count; i > at; --i) numerator[i] = numerator[i - 1];
    numerator[at] = value;
    ++count;
  }
};

// n equal steps: 7 of them for 4 bits, 127 for 8.
EIGHTFOLD_HOST_DEVICE constexpr Fractions linear_levels(int steps) {
  Fractions levels{0, steps, {}};
  for (int i = 0; i <= steps; ++i) levels.insert(i);
  return levels;
}

// Decade e = 6..1 is [10^-e, 10^(1-e)), with 2^(7-e) levels: the middles of equal cells, half of them below
// 4.5 10^-e and half above. 10^e 2^(8-e) divides 4,000,000 for each e.
EIGHTFOLD_HOST_DEVICE constexpr Fractions dynamic_tree_levels() {
  Fractions levels{0, 4'000'000, {}};
  levels.insert(0);
  std::int64_t unit = 1;  // 10^-e 2^(e-8), in 1 / 4,000,000
  for (int cells = 1; cells <= 32; cells *= 2, unit *= 5) {
    for (int i = 0; i < cells; ++i) levels.insert(unit * (4 * cells + 7 * (2 * i + 1)));
    for (int i = 0; i < cells; ++i) levels.insert(unit * (18 * cells + 11 * (2 * i + 1)));
  }
  levels.insert(levels.denominator);
  return levels;
}

// (0.1 + 0.9 (t + 1/2) / 16) 10^-e = (41 + 18 t) 10^-e / 320 for t = 0..15 and e = 0..7. The exceptions are
// the smallest, which is 0, and the largest, which is 1.
EIGHTFOLD_HOST_DEVICE constexpr Fractions static_tree_levels() {
  Fractions levels{0, 3'200'000'000, {}};
  std::int64_t unit = 1;
  for (int e = 7; e >= 0; --e, unit *= 10)
    for (int t = 0; t < 16; ++t) levels.insert(unit * (41 + 18 * t));
  levels.numerator[0] = 0;
  levels.numerator[levels.count - 1] = levels.denominator;
  return levels;
}

// m 10^-e / 15 for m = 0..15 and e = 0..7; 10 of a decade is 1 of the next, and stands once.
EIGHTFOLD_HOST_DEVICE constexpr Fractions mantissa_levels() {
  Fractions levels{0, 150'000'000, {}};
  std::int64_t unit = 1;
  for (int e = 7; e >= 0; --e, unit *= 10)
    for (int m = 0; m < 16; ++m) levels.insert(unit * m);
  return levels;
}

// The finite magnitudes of a small float, divided by the largest: level i is the one with the bits i.
EIGHTFOLD_HOST_DEVICE constexpr Fractions float_levels(int mantissa_bits, int finite) {
  Fractions levels;
  for (int bits = 0; bits < finite; ++bits) {
    const int exponent = bits >> mantissa_bits;
    const std::int64_t fraction = bits & ((1 << mantissa_bits) - 1);
    const std::int64_t hidden = exponent == 0 ? 0 : 1 << mantissa_bits;
    levels.insert((hidden + fraction) << (exponent == 0 ? 0 : exponent - 1));
  }
  levels.denominator = levels.numerator[levels.count - 1];
  return levels;
}

struct LevelTable {
  int count = 0;  // codes from here on are never written and decode to NaN
  float level[kMaxLevels] = {};
  float threshold[kMaxLevels] = {};    // infinity from the last level on
  float inverse_gap[kMaxLevels] = {};  // 1 / (level[i + 1] - level[i]), for stochastic rounding; 0 there
};

EIGHTFOLD_HOST_DEVICE constexpr float rounded_down(double value) {
  const float nearest = static_cast<float>(value);
  const std::uint32_t bits = kernels::bit_cast<std::uint32_t>(nearest);
  return static_cast<double>(nearest) > value ? kernels::bit_cast<float>(bits - 1) : nearest;
}

EIGHTFOLD_HOST_DEVICE constexpr float level_threshold(const Fractions& levels, int i) {
  const std::int64_t sum = levels.numerator[i] + levels.numerator[i + 1];
  const double middle = static_cast<double>(sum) / static_cast<double>(2 * levels.denominator);
  const float threshold = rounded_down(middle);
  const bool tie_goes_up = static_cast<double>(threshold) == middle && i % 2 == 1;
  return tie_goes_up ? kernels::bit_cast<float>(kernels::bit_cast<std::uint32_t>(threshold) - 1) : threshold;
}

EIGHTFOLD_HOST_DEVICE constexpr LevelTable make_table(const Fractions& levels) {
  LevelTable table;
  table.count = levels.count;
  for (int i = 0; i < kMaxLevels; ++i) {
    const double value = static_cast<double>(levels.numerator[i]) / static_cast<double>(levels.denominator);
    table.level[i] =
        i < levels.count ? static_cast<float>(value) : kernels::bit_cast<float>(std::uint32_t{0x7FC0'0000});
  }
  for (int i = 0; i < kMaxLevels; ++i) {
    const bool has_next = i + 1 < levels.count;
    table.threshold[i] =
        has_next ? level_threshold(levels, i) : kernels::bit_cast<float>(std::uint32_t{0x7F80'0000});
    table.inverse_gap[i] = has_next ? 1 / (table.level[i + 1] - table.level[i]) : 0;
  }
  return table;
}

// The level nearest to y >= 0: the number of thresholds below y. NaN counts none.
EIGHTFOLD_HOST_DEVICE constexpr int nearest_level(const LevelTable& table, float y) {
  int level = 0;
  for (int step = kMaxLevels / 2; step > 0; step /= 2)
    if (table.threshold[level + step - 1] < y) level += step;
  return level;
}

// One of the two levels around y, the upper one as often as y is near to it; `word` is the random number.
EIGHTFOLD_HOST_DEVICE constexpr int stochastic_level(const LevelTable& table, float y, std::uint32_t word) {
  const int nearest = nearest_level(table, y);
  const int lower = table.level[nearest] > y ? nearest - 1 : nearest;
  const float position = (y - table.level[lower]) * table.inverse_gap[lower];
  return kernels::uniform_from(word) < position ? lower + 1 : lower;
}

}  // namespace eightfold::quant8
