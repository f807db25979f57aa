#pragma once

// Sums of contributions, tile by tile, and the kernel that leaves them in fp32: decoding too, as a sum of
// one.

#include "quant8/cuda/coders.hpp"
#include "quant8/cuda/contributions.hpp"

#include <cstddef>
#include <cstdint>

namespace eightfold::quant8::cuda {

// Large blocks, because they share tables of up to 42 KiB. The bound leaves a thread 64 registers: two tiles,
// one in use and the next of a sum on its way.
inline constexpr unsigned kCodecThreads = 512;
inline constexpr unsigned kCodecResidency = 2;  // blocks of a multiprocessor

// A tile of a segment as it was loaded.
template <class Coder>
struct EncodedTile {
  typename Coder::Packed packet[kPackets] = {};
  std::uint16_t scale = kZeroScale;
};

template <class Coder>
__device__ EncodedTile<Coder> load_encoded(const std::byte* segment, const Geometry& geometry,
                                           const Tile& tile) {
  EncodedTile<Coder> loaded;
  if (tile.block_size() == 0) return loaded;
  if constexpr (Coder::kHasScale) loaded.scale = *geometry.scale(segment, tile.block());
#pragma unroll
  for (int j = 0; j < kPackets; ++j)
    if (tile.packet(j) < geometry.packets)
      loaded.packet[j] = Coder::load(segment + geometry.codes, tile.packet(j));
  return loaded;
}

template <class Coder>
__device__ Values decode_tile(const Coder& coder, const EncodedTile<Coder>& loaded) {
  Values values;
#pragma unroll
  for (int j = 0; j < kPackets; ++j)
    values.packet[j] = coder.decode(loaded.packet[j], scale_value(loaded.scale));
  return values;
}

// Codes behind the end need not stand for 0.
__device__ inline void clear_behind_end(Values& values, const Tile& tile) {
#pragma unroll
  for (int j = 0; j < kPackets; ++j)
#pragma unroll
    for (int e = 0; e < kPacket; ++e)
      if (e >= tile.packet_size(j)) values.packet[j].value[e] = 0;
}

// The next segment is on its way while one is decoded: otherwise a warp would wait for memory once for each
// of them. fp32 contributions are few, and large enough to wait for.
template <class Coder>
__device__ Values add_up(const Contributions& sum, const Geometry& geometry, const Coder& coder,
                         const Tile& tile) {
  const auto load = [&](int i) {
    return i < sum.count() && sum.is_segment(i) ? load_encoded<Coder>(sum.segment(i), geometry, tile)
                                                : EncodedTile<Coder>{};
  };
  Values total{};
  EncodedTile<Coder> next = load(0);
  for (int i = 0; i < sum.count(); ++i) {
    const EncodedTile<Coder> loaded = next;
    next = load(i + 1);
    const Values part = sum.is_segment(i) ? decode_tile(coder, loaded) : load_values(sum.values(i), tile);
    if (i == 0)
      total = part;
    else
      each_pair(total, part, [](float& value, float more) { value += more; });
  }
  if (sum.factor() != 1) each_value(total, [&](float& value) { value *= sum.factor(); });
  if (tile.block_size() < kBlock) clear_behind_end(total, tile);
  return total;
}

struct SumJob {
  Contributions sum;
  Geometry geometry;
  const LevelTables* tables;
  float* values;
};

// In place where `values` are a contribution: a thread has read its elements of all before it writes them.
template <class Coder>
__global__ void __launch_bounds__(kCodecThreads, kCodecResidency) sum_blocks_kernel(const SumJob job) {
  SHARED_ARRAY(typename Coder::Shared, shared, 1);
  const Coder coder(job.tables, shared[0]);
  each_tile(job.geometry.elements, [&](const Tile& tile) {
    store_values(add_up(job.sum, job.geometry, coder, tile), tile, job.values);
  });
}

}  // namespace eightfold::quant8::cuda
