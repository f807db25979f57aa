#pragma once

// Counter-based random numbers: Philox-4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3",
// SC11). A number is a pure function of (seed, step, tensor, index). It has no state: it is the same on any
// device, for any number of ranks, in any order of evaluation. Host and device compile this header.

#include <array>
#include <cstdint>

#ifdef __CUDACC__
#define EIGHTFOLD_HOST_DEVICE __host__ __device__
#else
#define EIGHTFOLD_HOST_DEVICE
#endif

namespace eightfold::kernels {

// The key of a stream of numbers. Two keys that differ anywhere give unrelated numbers.
struct RandomKey {
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  std::uint32_t tensor = 0;  // which consumer: a layer, an initialiser, the order of an epoch
};

// Four words for counter `block` of a key: the numbers of indices 4 block .. 4 block + 3.
struct RandomWords {
  std::uint32_t word[4];
};

EIGHTFOLD_HOST_DEVICE constexpr RandomWords philox(const RandomKey& key, std::uint64_t block) {
  std::uint32_t c0 = static_cast<std::uint32_t>(block), c1 = static_cast<std::uint32_t>(block >> 32);
  std::uint32_t c2 = key.step, c3 = key.tensor;
  std::uint32_t k0 = static_cast<std::uint32_t>(key.seed), k1 = static_cast<std::uint32_t>(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0;
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c2;
    const std::uint32_t n0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    const std::uint32_t n2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<std::uint32_t>(p1);
    c3 = static_cast<std::uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

// The word of one index.
EIGHTFOLD_HOST_DEVICE constexpr std::uint32_t random_word(const RandomKey& key, std::uint64_t index) {
  return philox(key, index / 4).word[index % 4];
}

// Uniform in [0, 1): the upper 24 bits, every value exact in fp32.
EIGHTFOLD_HOST_DEVICE constexpr float uniform_from(std::uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24f;
}

}  // namespace eightfold::kernels
