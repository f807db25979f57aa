#pragma once

// The coders of formats without levels (coders.hpp says what a coder has).

#include "quant8/cuda/coders.hpp"

#include <cstddef>
#include <cstdint>

namespace eightfold::quant8::cuda {

// A sign and the mean magnitude. A packet is half a byte.
class OneBitCoder {
 public:
  using Packed = std::uint32_t;
  static constexpr int kBits = 1;
  static constexpr bool kHasScale = true;
  static constexpr bool kSumsMagnitudes = true;
  struct Shared {};

  __device__ OneBitCoder(const LevelTables*, Shared&) {}

  __device__ static Packed load(const std::byte* at, unsigned lane) {
    return static_cast<Packed>(*at) >> (4 * (lane % 2)) & 15U;
  }
  // Eight lanes have the packets of a word.
  __device__ static void store(std::byte* at, unsigned lane, bool exists, Packed value) {
    std::uint32_t word = value << (4 * (lane % 8));
#pragma unroll
    for (int distance = 1; distance < 8; distance *= 2) word |= __shfl_xor_sync(kAllLanes, word, distance);
    if (exists && lane % 8 == 0) *reinterpret_cast<std::uint32_t*>(at) = word;
  }

  __device__ Packed encode(const Floats& x, float, const Draw&, std::int64_t) const {
    Packed signs = 0;
#pragma unroll
    for (int e = 0; e < kPacket; ++e) signs |= kernels::bit_cast<std::uint32_t>(x.value[e]) >> 31 << e;
    return signs;
  }
  __device__ Floats decode(Packed packed, float scale) const {
    Floats result;
#pragma unroll
    for (int e = 0; e < kPacket; ++e) result.value[e] = (packed >> e & 1U) != 0 ? -scale : scale;
    return result;
  }
};

// fp32, bf16 and fp16: each value by itself.
template <class Value>
class PlainCoder : public PackedAccess<kernels::cuda::Packet<Value>> {
 public:
  using Packed = kernels::cuda::Packet<Value>;
  static constexpr int kBits = 8 * static_cast<int>(sizeof(Value));
  static constexpr bool kHasScale = false;
  static constexpr bool kSumsMagnitudes = false;
  struct Shared {};

  __device__ PlainCoder(const LevelTables*, Shared&) {}

  __device__ Packed encode(const Floats& x, float, const Draw&, std::int64_t) const {
    Packed packed;
#pragma unroll
    for (int e = 0; e < kPacket; ++e) packed.value[e] = kernels::from_float<Value>(x.value[e]);
    return packed;
  }
  __device__ Floats decode(const Packed& packed, float) const {
    Floats values;
#pragma unroll
    for (int e = 0; e < kPacket; ++e) values.value[e] = kernels::to_float(packed.value[e]);
    return values;
  }
};

}  // namespace eightfold::quant8::cuda
