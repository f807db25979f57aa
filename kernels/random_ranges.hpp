#pragma once

// The users of random numbers: one range of RandomKey::tensor per kind. Kinds with overlapping ranges would
// share numbers. The ranges are part of a seed's meaning: checkpoints and published vectors depend on them.

#include <cstdint>

namespace eightfold::kernels {

// The first tensor of each kind; its range ends where the next one begins.
struct RandomRange {
  static constexpr std::uint32_t kLayers = 0;                              // by layer: dropout
  static constexpr std::uint32_t kInitialValues = std::uint32_t{1} << 20;  // by parameter
  static constexpr std::uint32_t kBuckets = std::uint32_t{1} << 31;        // by bucket: stochastic rounding
  static constexpr std::uint32_t kData = 0xFFFF'0000;  // the order of samples, made-up samples
};
static_assert(RandomRange::kLayers < RandomRange::kInitialValues);
static_assert(RandomRange::kInitialValues < RandomRange::kBuckets);
static_assert(RandomRange::kBuckets < RandomRange::kData);

}  // namespace eightfold::kernels
