#pragma once

// The users of random numbers: one range of RandomKey::tensor per kind. Kinds with overlapping ranges would
// share numbers. The ranges are part of a seed's meaning: checkpoints and published vectors depend on them.

#include <cstdint>

namespace eightfold::kernels {

// First and last tensor of a kind.
struct RandomRange {
  std::uint32_t first;
  std::uint32_t last;
};

inline constexpr RandomRange kLayerRandoms{0, 0x000F'FFFF};                   // by layer: dropout
inline constexpr RandomRange kInitialValueRandoms{0x0010'0000, 0x7FFF'FFFF};  // by parameter
inline constexpr RandomRange kBucketRandoms{0x8000'0000, 0xFFFE'FFFF};  // by bucket: stochastic rounding
inline constexpr RandomRange kDataRandoms{0xFFFF'0000, 0xFFFF'FFFF};    // order and made-up samples

static_assert(kLayerRandoms.last < kInitialValueRandoms.first);
static_assert(kInitialValueRandoms.last < kBucketRandoms.first);
static_assert(kBucketRandoms.last < kDataRandoms.first);

}  // namespace eightfold::kernels
