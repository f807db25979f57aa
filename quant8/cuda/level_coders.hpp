#pragma once

// The coders of formats with levels (coders.hpp says what a coder has).
//
// Decoding looks the value of each code up. Each lane has a copy of the table in a bank of its own. Otherwise
// lanes that read different levels would wait for each other, and a sum of many segments does little else.

#include "quant8/cuda/coders.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace eightfold::quant8::cuda {

// The top bytes of four words, the first lowest.
__device__ inline std::uint32_t top_bytes(const std::uint32_t (&word)[kPacket]) {
  return __byte_perm(__byte_perm(word[0], word[1], 0x73), __byte_perm(word[2], word[3], 0x73), 0x5410);
}

// Fills a table in shared memory by all threads of the block, every load on its way before the first has
// come.
template <int kCount, class Value, class Of>
__device__ void fill_table(Value* table, const Of& of) {
  constexpr int kThreads = kCodecThreads;
#pragma unroll
  for (int first = 0; first < kCount; first += kThreads)
    if (const int i = first + static_cast<int>(threadIdx.x); i < kCount) table[i] = of(i);
  __syncthreads();
}

// Formats with levels: codes of 8 or of 4 bits. The coders below add the encoding.
template <int kBitsOf>
class LevelCoder : public PackedAccess<std::conditional_t<kBitsOf == 8, std::uint32_t, std::uint16_t>> {
 public:
  using Packed = typename LevelCoder::Packed;
  static constexpr int kBits = kBitsOf;
  static constexpr bool kHasScale = true;
  static constexpr bool kSumsMagnitudes = false;
  static constexpr unsigned kCodes = 1U << kBits;
  struct Shared {
    float level[kCodes * kWarp];
  };

  __device__ LevelCoder(const LevelTables* tables, Shared& shared)
      : levels_(reinterpret_cast<const std::byte*>(shared.level)), lane_(threadIdx.x % kWarp * kEntry) {
    fill_table<kCodes * kWarp>(shared.level, [&](int i) { return tables->level[i / int{kWarp}]; });
  }

  __device__ Floats decode(Packed packed, float scale) const {
    Floats result;
#pragma unroll
    for (int e = 0; e < kPacket; ++e) {
      const int shift = kBits * e - kRow;  // moves the code to where it counts rows
      const std::uint32_t moved =
          shift < 0 ? std::uint32_t{packed} << -shift : std::uint32_t{packed} >> shift;
      result.value[e] = level_at(moved & (kCodes - 1) << kRow) * scale;
    }
    return result;
  }

 protected:
  __device__ float level(std::uint32_t code) const { return level_at(code << kRow); }

  // From words with the level in the top byte, and the signs of x.
  __device__ static Packed pack(const std::uint32_t (&word)[kPacket], const Floats& x) {
    std::uint32_t bits[kPacket];
#pragma unroll
    for (int e = 0; e < kPacket; ++e) bits[e] = kernels::bit_cast<std::uint32_t>(x.value[e]);
    const std::uint32_t levels = top_bytes(word), signs = top_bytes(bits) & 0x8080'8080U;
    if constexpr (kBits == 8) return levels | signs;
    std::uint32_t codes = levels | signs >> 4;  // a nibble in each byte
    codes = (codes | codes >> 4) & 0x00FF'00FFU;
    return static_cast<Packed>(codes | codes >> 8);
  }
  __device__ static float magnitude(float x) { return kernels::bit_cast<float>(magnitude_bits(x)); }

 private:
  static constexpr unsigned kEntry = sizeof(float);
  static constexpr int kRow = 7;  // a row of the table has kWarp entries, 2^7 bytes
  static_assert(kWarp * kEntry == 1U << kRow);

  // Addresses are put together by hand: this is what a sum of segments spends its time with.
  __device__ float level_at(std::uint32_t row) const {
    return *reinterpret_cast<const float*>(levels_ + (row | lane_));
  }

  const std::byte* levels_;
  std::uint32_t lane_;
};

// Levels at i / kSteps. Rounding 127 y to an integer rounds y to the nearest level, as long as 127 y is not
// rounded before. Ties are to even in both.
template <int kBits>
class LinearCoder : public LevelCoder<kBits> {
 public:
  using Base = LevelCoder<kBits>;
  using Base::Base;

  __device__ typename Base::Packed encode(const Floats& x, float inverse, const Draw&, std::int64_t) const {
    constexpr float kSteps = (1 << (kBits - 1)) - 1;
    constexpr float kInteger = 0x1.8p23F;  // added to a small number, leaves its integer in the lowest bits
    std::uint32_t word[kPacket];
#pragma unroll
    for (int e = 0; e < kPacket; ++e) {
      const float y = Base::magnitude(x.value[e]) * inverse;
      word[e] = kernels::bit_cast<std::uint32_t>(__fmaf_rn(kSteps, y, kInteger)) << 24;
    }
    return Base::pack(word, x);
  }
};

// Any table.
template <int kBits>
class SearchCoder : public LevelCoder<kBits> {
 public:
  using Base = LevelCoder<kBits>;
  struct Shared : Base::Shared {
    std::uint32_t step[LevelTables::kBuckets];
  };

  __device__ SearchCoder(const LevelTables* tables, Shared& shared)
      : Base(tables, shared), step_(shared.step) {
    fill_table<LevelTables::kBuckets>(shared.step, [&](int i) { return tables->step[i]; });
  }

  __device__ typename Base::Packed encode(const Floats& x, float inverse, const Draw&, std::int64_t) const {
    std::uint32_t word[kPacket];
#pragma unroll
    for (int e = 0; e < kPacket; ++e) word[e] = search(Base::magnitude(x.value[e]) * inverse);
    return Base::pack(word, x);
  }

 protected:
  __device__ std::uint32_t search(float y) const { return search_level(step_, y); }

 private:
  const std::uint32_t* step_;
};

// The random words of a packet. Its numbers are one Philox block, or the end of one and the start of the
// next.
__device__ inline kernels::RandomWords random_words(const Draw& draw, std::int64_t packet) {
  const std::uint64_t first = draw.index + static_cast<std::uint64_t>(packet) * kPacket;
  kernels::RandomWords words = kernels::philox(draw.key, first / kPacket);
  const auto skipped = static_cast<int>(first % kPacket);
  if (skipped == 0) return words;
  kernels::RandomWords next = kernels::philox(draw.key, first / kPacket + 1);
#pragma unroll
  for (int step = 1; step < kPacket; ++step) {
    if (step > skipped) continue;
#pragma unroll
    for (int e = 0; e + 1 < kPacket; ++e) words.word[e] = words.word[e + 1];
    words.word[kPacket - 1] = next.word[0];
#pragma unroll
    for (int e = 0; e + 1 < kPacket; ++e) next.word[e] = next.word[e + 1];
  }
  return words;
}

// Any table, rounded stochastically (stochastic_level() of quant8/levels.hpp).
template <int kBits>
class StochasticCoder : public SearchCoder<kBits> {
 public:
  using Base = SearchCoder<kBits>;
  struct Shared : Base::Shared {
    float inverse_gap[kMaxLevels];
  };

  __device__ StochasticCoder(const LevelTables* tables, Shared& shared)
      : Base(tables, shared), inverse_gap_(shared.inverse_gap) {
    fill_table<kMaxLevels>(shared.inverse_gap, [&](int i) { return tables->inverse_gap[i]; });
  }

  __device__ typename Base::Packed encode(const Floats& x, float inverse, const Draw& draw,
                                          std::int64_t packet) const {
    const kernels::RandomWords random = random_words(draw, packet);
    std::uint32_t word[kPacket];
#pragma unroll
    for (int e = 0; e < kPacket; ++e)
      word[e] = draw_level(Base::magnitude(x.value[e]) * inverse, random.word[e]) << 24;
    return Base::pack(word, x);
  }

 private:
  __device__ std::uint32_t draw_level(float y, std::uint32_t random) const {
    const std::uint32_t nearest = Base::search(y) >> 24;
    const std::uint32_t lower = Base::level(nearest) > y ? nearest - 1 : nearest;
    const float position = (y - Base::level(lower)) * inverse_gap_[lower];
    return kernels::uniform_from(random) < position ? lower + 1 : lower;
  }

  const float* inverse_gap_;
};

}  // namespace eightfold::quant8::cuda
