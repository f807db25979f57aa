#pragma once

// Philox for many counters at once: each round is a SIMD loop over lanes. Compilers do not turn the scalar
// function of kernels/random.hpp inside out by themselves.

#include "kernels/random.hpp"

#include <cstdint>

namespace eightfold::kernels::host {

// The numbers of kLanes consecutive blocks.
class PhiloxLanes {
 public:
  static constexpr int kLanes = 16;
  static constexpr int kWords = 4 * kLanes;

  PhiloxLanes(const RandomKey& key, std::uint64_t first) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const std::uint64_t block = first + static_cast<std::uint64_t>(lane);
      word_[0][lane] = static_cast<std::uint32_t>(block);
      word_[1][lane] = static_cast<std::uint32_t>(block >> 32);
      word_[2][lane] = key.step;
      word_[3][lane] = key.tensor;
    }
    std::uint32_t k0 = static_cast<std::uint32_t>(key.seed), k1 = static_cast<std::uint32_t>(key.seed >> 32);
    for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9U, k1 += 0xBB67AE85U) mix(k0, k1);
  }

  // In the order of their indices: words[4 lane + j] is philox(key, first + lane).word[j].
  void store(std::uint32_t* words) const {
    for (int lane = 0; lane < kLanes; ++lane) {
      words[4 * lane] = word_[0][lane];
      words[4 * lane + 1] = word_[1][lane];
      words[4 * lane + 2] = word_[2][lane];
      words[4 * lane + 3] = word_[3][lane];
    }
  }

 private:
  void mix(std::uint32_t k0, std::uint32_t k1) {
#pragma omp simd
    for (int lane = 0; lane < kLanes; ++lane) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53U} * word_[0][lane];
      const std::uint64_t p1 = std::uint64_t{0xCD9E8D57U} * word_[2][lane];
      word_[0][lane] = static_cast<std::uint32_t>(p1 >> 32) ^ word_[1][lane] ^ k0;
      word_[1][lane] = static_cast<std::uint32_t>(p1);
      word_[2][lane] = static_cast<std::uint32_t>(p0 >> 32) ^ word_[3][lane] ^ k1;
      word_[3][lane] = static_cast<std::uint32_t>(p0);
    }
  }

  alignas(64) std::uint32_t word_[4][kLanes];
};

}  // namespace eightfold::kernels::host
