#pragma once

// The random numbers of stochastic rounding. Each element's number is a function of the element's place and
// of the stage of encoding. So every device, every division into segments and every repetition of a step
// rounds alike. Ranks round their own contributions independently; a sum is rounded the same way whoever owns
// it.

#include "kernels/random.hpp"
#include "kernels/random_ranges.hpp"

#include <cstddef>
#include <cstdint>

namespace eightfold::quant8 {

enum class Rounding : std::uint8_t { nearest, stochastic };

// RoundingKey::stage: an element is encoded several times in a step, each time with a number of its own.
struct RoundingStage {
  static constexpr std::uint32_t kCount = 64;
  static constexpr std::uint32_t kContribution = 0;   // of a rank's own gradients
  static constexpr std::uint32_t kSeal = kCount - 1;  // of the final sum
  // Of a partial sum that is sent on in this round of the schedule, from 0. Rounds beyond 62 begin again:
  // sums 62 rounds apart share their numbers.
  static constexpr std::uint32_t partial_sum(std::size_t round) {
    return kContribution + 1 + static_cast<std::uint32_t>(round % (kSeal - kContribution - 1));
  }
};

struct RoundingKey {
  static constexpr std::int32_t kNoRank = -1;

  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  std::uint32_t bucket = 0;  // below 2^31 - 2^16, as many as RandomRange::kBuckets has
  std::uint32_t stage = RoundingStage::kContribution;
  std::int32_t rank = kNoRank;  // of a contribution's first encoding; below 65535
  std::uint64_t first = 0;      // the segment's first element within the bucket; below 2^42
};

EIGHTFOLD_HOST_DEVICE constexpr kernels::RandomKey random_key(const RoundingKey& key) {
  return {key.seed, key.step, kernels::RandomRange::kBuckets + key.bucket};
}

// The index of the segment's element `i` among the random numbers of its key.
EIGHTFOLD_HOST_DEVICE constexpr std::uint64_t random_index(const RoundingKey& key, std::int64_t i) {
  static_assert(std::uint64_t{RoundingStage::kCount} << 42 == std::uint64_t{1} << 48,
                "a stage lies between the element and the rank");
  const auto rank = static_cast<std::uint64_t>(key.rank + 1);
  return (rank << 48) | (std::uint64_t{key.stage} << 42) | (key.first + static_cast<std::uint64_t>(i));
}

}  // namespace eightfold::quant8
