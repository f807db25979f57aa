#pragma once

// Tables as straight lines: most have runs of levels with equal steps, so that a level is a multiply-add of
// y. The segments of a table are such runs. No two of their borders lie in one binade, so the exponent of y
// selects the segment, with one comparison if a border lies in its binade.
//
// The multiply-add is rounded, and lowered by kBias more than it can be wrong. The truncated integer is the
// level. If the number was less than kDoubt short of the next integer, it may be one level low: then the
// table decides.

#include "quant8/format.hpp"

#include <cstdint>

namespace eightfold::quant8::host {

struct LineSegments {
  static constexpr int kMost = 16;              // segments, for they fill a register
  static constexpr int kFirstExponent = 96;     // biased; 2^-31 is below the first border
  static constexpr float kSmallest = 0x1p-31F;  // smaller y are treated as this
  static constexpr double kBias = 0x1p-16;
  static constexpr float kDoubt = 0x1p-15F;

  int count = 0;
  bool shares_no_binade = true;
  // By the lower five bits of the exponent; infinity where a binade has no border.
  alignas(64) float border[32] = {};
  alignas(64) std::int32_t segment[32] = {};  // below the border
  // By segment: slope y + offset, at most `last`.
  alignas(64) float slope[kMost] = {};
  alignas(64) float offset[kMost] = {};
  alignas(64) std::int32_t last[kMost] = {};
};

// Adds the segment that begins with level `first`; returns its last level. Its lines meet the thresholds
// between its levels. They must not be below `first` where it begins.
constexpr int add_segment(LineSegments& lines, const Fractions& levels, int first) {
  const int end = levels.count - 1;  // of the thresholds
  const auto twice_middle = [&](int i) { return levels.numerator[i] + levels.numerator[i + 1]; };
  const std::int64_t step = first + 1 < end ? twice_middle(first + 1) - twice_middle(first) : 0;
  int last = first;
  if (step > 0 && (first == 0 || twice_middle(first) - twice_middle(first - 1) <= step))
    for (++last; last < end && twice_middle(last) - twice_middle(last - 1) == step;) ++last;
  const int s = lines.count++;
  if (s >= LineSegments::kMost) return end;  // `count` tells
  lines.last[s] = last;
  lines.offset[s] = static_cast<float>(first);
  if (last == first) return last;
  const auto width = static_cast<double>(step), middle = static_cast<double>(twice_middle(first));
  lines.slope[s] = static_cast<float>(2 * static_cast<double>(levels.denominator) / width);
  lines.offset[s] = static_cast<float>(first + 1 - middle / width - LineSegments::kBias);
  return last;
}

constexpr LineSegments make_line_segments(Format format) {
  const Fractions levels = levels_of(format);
  const LevelTable table = make_table(levels);
  LineSegments lines;
  for (int first = 0; first < levels.count;) first = add_segment(lines, levels, first) + 1;
  int segment = 0;
  for (int exponent = LineSegments::kFirstExponent; exponent < LineSegments::kFirstExponent + 32;
       ++exponent) {
    const auto low = kernels::bit_cast<float>(static_cast<std::uint32_t>(exponent) << 23);
    float border = table.threshold[lines.last[segment]];
    if (border < low) border = table.threshold[lines.last[++segment]];
    if (border < low) lines.shares_no_binade = false;
    lines.segment[exponent % 32] = segment;
    lines.border[exponent % 32] = border;
  }
  return lines;
}

constexpr bool is_usable(const LineSegments& lines) {
  return lines.count <= LineSegments::kMost && lines.shares_no_binade &&
         kernels::bit_cast<std::uint32_t>(lines.border[127 % 32]) == kInfinityBits;
}

}  // namespace eightfold::quant8::host
