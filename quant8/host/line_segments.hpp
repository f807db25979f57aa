#pragma once

// Tables as straight lines: most have runs of levels with equal steps, so that a level is a multiply-add of
// y. The segments of a table are such runs. Bins are ranges of one or two binades; the first begins at 0. No
// two borders of segments lie in one bin, so y's bin and one comparison with its border select the segment.
//
// The multiply-add is rounded, and lowered by kBias more than it can be wrong. As kBase is added to it, the
// level and sixteen bits of fraction lie side by side in the sum. If these are less than kDoubt short of the
// next level, the level may be one too low: then the table decides.

#include "quant8/format.hpp"

#include <cstdint>

namespace eightfold::quant8::host {

struct LineSegments {
  static constexpr int kBins = 16;
  static constexpr float kBase = 128;
  static constexpr double kBias = 0x1p-15;
  static constexpr int kDoubt = 4;  // 2^-16

  bool is_usable = true;
  int shift = 0;            // the bin of y is (bits - first) >> shift, or 0 below that
  std::uint32_t first = 0;  // a multiple of 2^16
  // By bin: infinity where there is no border.
  alignas(64) float border[kBins] = {};
  // By bin, and in the second half above the border: slope y + offset, at most `last`.
  alignas(64) float slope[2 * kBins] = {};
  alignas(64) float offset[2 * kBins] = {};
  alignas(64) float last[2 * kBins] = {};
};

struct LineSegment {
  int last = 0;  // level
  float slope = 0, offset = 0;
};

// That which begins with level `first`. Its line meets the thresholds between its levels. It must not be
// below `first` where the segment begins.
constexpr LineSegment line_segment(const Fractions& levels, int first) {
  const int end = levels.count - 1;  // of the thresholds
  const auto twice_middle = [&](int i) { return levels.numerator[i] + levels.numerator[i + 1]; };
  const std::int64_t step = first + 1 < end ? twice_middle(first + 1) - twice_middle(first) : 0;
  int last = first;
  if (step > 0 && (first == 0 || twice_middle(first) - twice_middle(first - 1) <= step))
    for (++last; last < end && twice_middle(last) - twice_middle(last - 1) == step;) ++last;
  if (last == first) return {last, 0, LineSegments::kBase + static_cast<float>(first)};
  const auto width = static_cast<double>(step), middle = static_cast<double>(twice_middle(first));
  const double offset = first + 1 - middle / width - LineSegments::kBias;
  return {last, static_cast<float>(2 * static_cast<double>(levels.denominator) / width),
          static_cast<float>(static_cast<double>(LineSegments::kBase) + offset)};
}

// With bins of `binades`, the last of which holds 1.
constexpr LineSegments make_line_segments(Format format, int binades) {
  const Fractions levels = levels_of(format);
  const LevelTable table = make_table(levels);
  LineSegments lines;
  lines.shift = 22 + binades;
  lines.first = static_cast<std::uint32_t>(128 - LineSegments::kBins * binades) << 23;
  LineSegment segment = line_segment(levels, 0);
  for (int bin = 0; bin < LineSegments::kBins; ++bin) {
    const std::uint32_t end = lines.first + (static_cast<std::uint32_t>(bin + 1) << lines.shift);
    lines.border[bin] = kernels::bit_cast<float>(kInfinityBits);
    for (int half = 0; half < 2; ++half) {
      lines.slope[half * LineSegments::kBins + bin] = segment.slope;
      lines.offset[half * LineSegments::kBins + bin] = segment.offset;
      lines.last[half * LineSegments::kBins + bin] =
          LineSegments::kBase + static_cast<float>(segment.last) + 0.5F;
      const float border = table.threshold[segment.last];
      if (kernels::bit_cast<std::uint32_t>(border) >= end) continue;
      if (half == 1) lines.is_usable = false;
      lines.border[bin] = border;
      segment = line_segment(levels, segment.last + 1);
    }
  }
  if (segment.last != levels.count - 1) lines.is_usable = false;
  return lines;
}

}  // namespace eightfold::quant8::host
