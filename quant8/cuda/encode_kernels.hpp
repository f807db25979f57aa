#pragma once

// Encoding: one pass over the data that adds the contributions and the residual, finds each block's scale,
// writes its codes and keeps what got lost. A common scale takes a pass of its own before. It collects the
// largest magnitude where the scale will be, and for one_bit the sums of magnitudes where the codes will be.
// So there is no memory to plan, and a codec has no state.
//
// All of it is bitwise reproducible: the order of additions depends on nothing but the number of elements.

#include "quant8/cuda/sum_kernel.hpp"

#include <cstddef>
#include <cstdint>

namespace eightfold::quant8::cuda {

struct EncodeJob {
  Contributions sum;
  Geometry geometry;
  const LevelTables* tables;
  float* residual;  // null: none
  Draw draw;
  Header header;
  std::byte* segment;
};

template <class Coder>
__device__ Values values_to_encode(const EncodeJob& job, const Coder& coder, const Tile& tile,
                                   const TilePlace<Coder>& place) {
  Values values = add_up(job.sum, coder, tile, place);
  if (job.residual != nullptr)
    each_pair(values, load_values(job.residual, tile), [](float& value, float rest) { value += rest; });
  // A NaN makes all of its block NaN, so its own bits do not matter.
  if (!Coder::kHasScale && (job.residual != nullptr || !is_copy<Coder>(job.sum))) make_canonical(values);
  return values;
}

// The facts about elements that share a scale.
struct Extent {
  std::uint32_t largest = 0;
  float sum = 0;
};

__device__ inline std::uint32_t largest_magnitude(const Values& values) {
  std::uint32_t largest = 0;
#pragma unroll
  for (int j = 0; j < kPackets; ++j)
#pragma unroll
    for (int e = 0; e < kPacket; ++e) {
      const std::uint32_t bits = magnitude_bits(values.packet[j].value[e]);
      largest = largest < bits ? bits : largest;
    }
  return half_reduce(largest, kernels::cuda::Largest{});
}

// In the order of mean_scale_of(): elements i and i + 128 are two packets of a thread, i and i + 64 too. Then
// come the other threads of the half, and last the elements of a packet.
__device__ inline float folded_magnitudes(const Values& values) {
  static_assert(kPackets == 4 && kPacket == 4);
  const auto magnitude = [&](int j, int e) {
    return kernels::bit_cast<float>(magnitude_bits(values.packet[j].value[e]));
  };
  float sum[kPacket];
#pragma unroll
  for (int e = 0; e < kPacket; ++e)
    sum[e] = half_reduce((magnitude(0, e) + magnitude(2, e)) + (magnitude(1, e) + magnitude(3, e)),
                         kernels::cuda::Add{});
  return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

template <class Coder>
__device__ Extent measure(const Values& values) {
  Extent extent;
  if constexpr (Coder::kHasScale) extent.largest = largest_magnitude(values);
  if constexpr (Coder::kSumsMagnitudes) extent.sum = folded_magnitudes(values);
  return extent;
}

template <class Coder>
__device__ std::uint16_t scale_from(std::uint32_t largest, double sum, std::int64_t elements) {
  if constexpr (Coder::kSumsMagnitudes) return mean_scale_of(largest, sum, elements);
  return scale_of(largest);
}

// The header, and zeros behind the last scale.
__device__ inline void write_frame(const EncodeJob& job) {
  if (blockIdx.x != 0) return;
  if (threadIdx.x == 0) *reinterpret_cast<Header*>(job.segment) = job.header;
  auto* const scales = reinterpret_cast<std::uint16_t*>(job.segment + sizeof(Header));
  const auto end = (job.geometry.codes - static_cast<std::int64_t>(sizeof(Header))) / 2;
  const std::int64_t i = job.geometry.scales + threadIdx.x;
  if (i < end) scales[i] = 0;
}

// The scale of a tile's block, written by it unless it was there before.
template <class Coder>
__device__ std::uint16_t settle_scale(const EncodeJob& job, const Values& values, const Tile& tile,
                                      const TilePlace<Coder>& place) {
  if constexpr (!Coder::kHasScale) return kZeroScale;
  auto* const at = reinterpret_cast<std::uint16_t*>(place.scale(job.segment));
  if (job.geometry.has_common_scale) return *at;
  const Extent extent = measure<Coder>(values);
  const std::uint16_t scale = scale_from<Coder>(extent.largest, static_cast<double>(extent.sum),
                                                tile.block_size() > 0 ? tile.block_size() : 1);
  if (tile.speaks()) *at = scale;
  return scale;
}

// A loss that is not finite is not carried on: the block is NaN on every rank, which shows by itself.
__device__ inline void keep_loss(Values& values, const Values& received) {
  each_pair(values, received, [](float& value, float decoded) {
    const float loss = value - decoded;
    value = magnitude_bits(loss) < kInfinityBits ? loss : 0;
  });
}

template <class Coder>
__global__ void __launch_bounds__(kCodecThreads, kCodecResidency) encode_blocks_kernel(const EncodeJob job) {
  SHARED_ARRAY(typename Coder::Shared, shared, 1);
  const Coder coder(job.tables, shared[0]);
  write_frame(job);
  each_tile(job.geometry.elements, [&](const Tile& tile) {
    const TilePlace<Coder> place(job.geometry, tile);
    Values values = values_to_encode(job, coder, tile, place);
    const std::uint16_t scale = settle_scale<Coder>(job, values, tile, place);
    const bool is_coded = !Coder::kHasScale || has_codes(scale);
    const float inverse = is_coded && Coder::kHasScale ? inverse_of(scale) : 0;
    typename Coder::Packed packed[kPackets] = {};
#pragma unroll
    for (int j = 0; j < kPackets; ++j) {
      if (is_coded) packed[j] = coder.encode(values.packet[j], inverse, job.draw, tile.packet(j));
      Coder::store(place.codes(job.segment, j), tile.lane(), is_in_plane<Coder>(tile, j), packed[j]);
    }
    if (job.residual == nullptr) return;
    Values received;
#pragma unroll
    for (int j = 0; j < kPackets; ++j) received.packet[j] = coder.decode(packed[j], scale_value(scale));
    keep_loss(values, received);
    store_values(values, tile, job.residual);
  });
}

// Collects the input of the common scale. Expects 0 in the segment's first scales.
template <class Coder>
__global__ void __launch_bounds__(kCodecThreads, kCodecResidency) measure_blocks_kernel(const EncodeJob job) {
  SHARED_ARRAY(typename Coder::Shared, shared, 1);
  const Coder coder(job.tables, shared[0]);
  std::uint32_t largest = 0;
  each_tile(job.geometry.elements, [&](const Tile& tile) {
    const TilePlace<Coder> place(job.geometry, tile);
    const Extent extent = measure<Coder>(values_to_encode(job, coder, tile, place));
    largest = largest < extent.largest ? extent.largest : largest;
    if constexpr (Coder::kSumsMagnitudes)
      if (tile.speaks())
        *reinterpret_cast<float*>(job.segment + job.geometry.codes + tile.block() * (kBlock / 8)) =
            extent.sum;
  });
  if (threadIdx.x % kHalf == 0) atomicMax(reinterpret_cast<unsigned*>(job.segment + sizeof(Header)), largest);
}

// One warp. The sums of a format of means are added in their order, by every lane alike. A warp loads 32 of
// them at a time.
template <class Coder>
__global__ void common_scale_kernel(const EncodeJob job) {
  auto* const word = reinterpret_cast<std::uint32_t*>(job.segment + sizeof(Header));
  double sum = 0;
  if constexpr (Coder::kSumsMagnitudes) {
    const std::int64_t blocks = blocks_of(job.geometry.elements);
    for (std::int64_t first = 0; first < blocks; first += kWarp) {
      const std::int64_t mine = first + threadIdx.x;
      const auto* at = reinterpret_cast<const float*>(job.segment + job.geometry.codes + mine * (kBlock / 8));
      const double part = mine < blocks ? static_cast<double>(*at) : 0;
      for (int lane = 0; lane < static_cast<int>(kWarp); ++lane) sum += __shfl_sync(kAllLanes, part, lane);
    }
  }
  const std::uint32_t largest = *word;
  __syncwarp();
  if (threadIdx.x == 0) *word = scale_from<Coder>(largest, sum, job.geometry.elements);
}

}  // namespace eightfold::quant8::cuda
