#pragma once

// The elements that a thread works on. Half a warp has a block. Thread l of its 16 has the packets l, l + 16,
// l + 32 and l + 48, of 4 elements each. So every access of a half is to neighbouring bytes, 256 of them for
// fp32. A warp has two blocks and a thread 16 elements, enough to pay for the work once per block.

#include "kernels/cuda/block.hpp"
#include "kernels/cuda/parallel.hpp"
#include "quant8/format.hpp"

#include <cstdint>

namespace eightfold::quant8::cuda {

using kernels::cuda::kPacket;
using kernels::cuda::kWarp;

inline constexpr unsigned kHalf = kWarp / 2;
inline constexpr int kPackets = static_cast<int>(kBlock / (kHalf * kPacket));  // of a thread
inline constexpr unsigned kAllLanes = 0xFFFFFFFFU;

// Large blocks, because they share tables of up to 42 KiB. The bound leaves a thread 64 registers: two tiles,
// one in use and the next of a sum on its way.
inline constexpr unsigned kCodecThreads = 512;
inline constexpr unsigned kCodecResidency = 2;  // blocks of a multiprocessor

// A thread's elements of one block, in the order of its packets; 0 where the segment has ended.
struct Values {
  kernels::cuda::Packet<float> packet[kPackets];
};

class Tile {
 public:
  __device__ Tile(std::int64_t block, std::int64_t elements) : block_(block), lane_(threadIdx.x % kHalf) {
    const std::int64_t left = elements - block * kBlock;
    size_ = static_cast<int>(left < 0 ? 0 : (left < kBlock ? left : kBlock));
  }

  __device__ std::int64_t block() const { return block_; }
  __device__ unsigned lane() const { return lane_; }  // of the half
  // Elements of the block; 0 beyond the segment's end.
  __device__ int block_size() const { return size_; }
  __device__ bool is_whole() const { return size_ == kBlock; }
  // One thread of the half speaks for the block, if there is one.
  __device__ bool speaks() const { return lane_ == 0 && size_ > 0; }
  // The thread's packet j: its first element in the block, its number of elements, and its index in the
  // segment.
  __device__ int element(int j) const {
    return kPacket * static_cast<int>(kHalf * static_cast<unsigned>(j) + lane_);
  }
  __device__ int packet_size(int j) const {
    const int left = size_ - element(j);
    return left < 0 ? 0 : (left < kPacket ? left : kPacket);
  }
  __device__ std::int64_t packet(int j) const { return (block_ * kBlock + element(j)) / kPacket; }

 private:
  std::int64_t block_;
  unsigned lane_;
  int size_;
};

// Calls run(tile) for all blocks of a segment, spread over the warps of the grid. The lanes of a warp stay
// together.
template <class Run>
__device__ void each_tile(std::int64_t elements, const Run& run) {
  const std::int64_t blocks = blocks_of(elements);
  const std::int64_t stride = kernels::cuda::index_stride() / kHalf;
  const std::int64_t first = kernels::cuda::first_index() / kHalf;
  for (std::int64_t block = first / 2 * 2; block < blocks; block += stride)
    run(Tile(block + first % 2, elements));
}

// A plain assignment is one access only as long as the compiler finds its four parts together again.
__device__ inline void store_packet(float* to, const kernels::cuda::Packet<float>& packet) {
  __stwb(reinterpret_cast<float4*>(to),
         make_float4(packet.value[0], packet.value[1], packet.value[2], packet.value[3]));
}

// Whole blocks at aligned addresses take one access for each packet; all others one for each element.
__device__ inline Values load_values(const float* from, const Tile& tile) {
  const float* first = from + kPacket * tile.packet(0);
  Values values{};
  if (tile.is_whole() && kernels::cuda::is_packet_aligned(from)) {
#pragma unroll
    for (int j = 0; j < kPackets; ++j)
      values.packet[j] = reinterpret_cast<const kernels::cuda::Packet<float>*>(first)[kHalf * j];
    return values;
  }
#pragma unroll
  for (int j = 0; j < kPackets; ++j)
#pragma unroll
    for (int e = 0; e < kPacket; ++e)
      if (e < tile.packet_size(j)) values.packet[j].value[e] = first[kHalf * kPacket * j + e];
  return values;
}

__device__ inline void store_values(const Values& values, const Tile& tile, float* to) {
  float* first = to + kPacket * tile.packet(0);
  if (tile.is_whole() && kernels::cuda::is_packet_aligned(to)) {
#pragma unroll
    for (int j = 0; j < kPackets; ++j) store_packet(first + kHalf * kPacket * j, values.packet[j]);
    return;
  }
#pragma unroll
  for (int j = 0; j < kPackets; ++j)
#pragma unroll
    for (int e = 0; e < kPacket; ++e)
      if (e < tile.packet_size(j)) first[kHalf * kPacket * j + e] = values.packet[j].value[e];
}

template <class Run>
__device__ void each_value(Values& values, const Run& run) {
#pragma unroll
  for (int j = 0; j < kPackets; ++j)
#pragma unroll
    for (int e = 0; e < kPacket; ++e) run(values.packet[j].value[e]);
}

// Calls run(element of a, element of b) for all pairs.
template <class Run>
__device__ void each_pair(Values& a, const Values& b, const Run& run) {
#pragma unroll
  for (int j = 0; j < kPackets; ++j)
#pragma unroll
    for (int e = 0; e < kPacket; ++e) run(a.packet[j].value[e], b.packet[j].value[e]);
}

// combine() of the values of a half warp, in each of its threads. All lanes of the warp call.
template <class Value, class Combine>
__device__ Value half_reduce(Value value, const Combine& combine) {
#pragma unroll
  for (int distance = kHalf / 2; distance > 0; distance /= 2)
    value = combine(value, __shfl_xor_sync(kAllLanes, value, distance));
  return value;
}

}  // namespace eightfold::quant8::cuda
