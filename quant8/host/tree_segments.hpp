#pragma once

// dynamic-tree8 as straight lines: within half a decade the levels are equal cells, so that a level is a
// multiply-add of y. Segment 0 is level 0, segments 1 to 12 the halves of decades 10^-6 to 10^-1, segment 13
// the level 1. No two of their borders lie in one binade. So the exponent of y selects the segment, with one
// comparison if a border lies in its binade.
//
// The multiply-add is rounded, and lowered by kBias more than it can be wrong. The truncated integer is the
// level. If the number was less than kDoubt short of the next integer, it may be one level low: then the
// table decides.

#include "quant8/format.hpp"

#include <cstdint>

namespace eightfold::quant8::host {

struct TreeSegments {
  static constexpr int kCount = 14;
  static constexpr int kFirstExponent = 96;     // biased; 2^-31 is below the first border
  static constexpr float kSmallest = 0x1p-31F;  // smaller y are treated as this
  static constexpr double kBias = 0x1p-16;
  static constexpr float kDoubt = 0x1p-15F;

  // By the lower five bits of the exponent; infinity where a binade has no border.
  alignas(64) float border[32] = {};
  alignas(64) std::int32_t segment[32] = {};  // below the border
  // By segment: slope y + offset, at most `last`.
  alignas(64) float slope[16] = {};
  alignas(64) float offset[16] = {};
  alignas(64) std::int32_t last[16] = {};
};

constexpr TreeSegments make_tree_segments() {
  TreeSegments tree;
  constexpr LevelTable kLevels = make_table(dynamic_tree_levels());
  int first = 1, segment = 1;
  double decade = 1e-6;
  for (int cells = 1; cells <= 32; cells *= 2, decade *= 10) {
    for (const double low : {1.0, 4.5}) {
      const double width = (low < 2 ? 3.5 : 5.5) * decade / cells;
      tree.slope[segment] = static_cast<float>(1 / width);
      tree.offset[segment] = static_cast<float>(first - low * decade / width - TreeSegments::kBias);
      first += cells;
      tree.last[segment++] = first - 1;
    }
  }
  tree.offset[segment] = static_cast<float>(first);
  tree.last[segment] = first;

  segment = 0;
  for (int exponent = TreeSegments::kFirstExponent; exponent < TreeSegments::kFirstExponent + 32;
       ++exponent) {
    const auto low = kernels::bit_cast<float>(static_cast<std::uint32_t>(exponent) << 23);
    float border = kLevels.threshold[tree.last[segment]];
    if (border < low) border = kLevels.threshold[tree.last[++segment]];
    tree.segment[exponent % 32] = segment;
    tree.border[exponent % 32] = border;
  }
  return tree;
}

}  // namespace eightfold::quant8::host
