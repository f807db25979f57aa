#pragma once

// The random numbers of stochastic rounding. Each element's number is a function of where the element is and
// why it is rounded, so that every device, every division into segments and every repetition of a step rounds
// alike. Ranks round their own contributions independently; a sum is rounded the same way whoever owns it.

#include "kernels/random.hpp"

#include <cstdint>

namespace eightfold::quant8 {

enum class Rounding : std::uint8_t { nearest, stochastic };

struct RoundingKey {
  static constexpr std::int32_t kNoRank = -1;

  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  std::uint32_t bucket = 0;     // below 2^31
  std::uint32_t stage = 0;      // which encoding of the element within the step; below 64
  std::int32_t rank = kNoRank;  // of a contribution's first encoding; below 65535
  std::uint64_t first = 0;      // the segment's first element within the bucket; below 2^42
};

// Layers count their tensors from 0 and data sets from the far end (runtime/data/random_tensors.hpp); buckets
// lie between.
EIGHTFOLD_HOST_DEVICE constexpr kernels::RandomKey random_key(const RoundingKey& key) {
  return {key.seed, key.step, 0x8000'0000U | key.bucket};
}

// The index of the segment's element `i` among the random numbers of its key.
EIGHTFOLD_HOST_DEVICE constexpr std::uint64_t random_index(const RoundingKey& key, std::int64_t i) {
  const auto rank = static_cast<std::uint64_t>(key.rank + 1);
  return (rank << 48) | (std::uint64_t{key.stage} << 42) | (key.first + static_cast<std::uint64_t>(i));
}

}  // namespace eightfold::quant8
