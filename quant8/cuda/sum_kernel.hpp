#pragma once

// Sums of contributions, tile by tile, and the kernel that leaves them in fp32: decoding too, as a sum of
// one.

#include "quant8/cuda/coders.hpp"
#include "quant8/cuda/contributions.hpp"

#include <cstddef>
#include <cstdint>

namespace eightfold::quant8::cuda {

// A tile of a segment as it was loaded.
template <class Coder>
struct EncodedTile {
  typename Coder::Packed packet[kPackets] = {};
  std::uint32_t scale = kZeroScale;
};

// The place of a thread's part of a tile in any segment.
template <class Coder>
class TilePlace {
 public:
  __device__ TilePlace(const Geometry& geometry, const Tile& tile)
      : scale_(geometry.scale(tile.block())),
        codes_(geometry.codes + tile.block() * (kBlock / 8 * Coder::kBits) + tile.lane() * Coder::kBits / 2) {
  }

  template <class Byte>
  __device__ Byte* codes(Byte* segment, int j) const {
    constexpr int kStride = Coder::kBits * static_cast<int>(kHalf) * kPacket / 8;
    return segment + codes_ + kStride * j;
  }
  template <class Byte>
  __device__ Byte* scale(Byte* segment) const {
    return segment + scale_;
  }

 private:
  std::int64_t scale_, codes_;
};

// True if the code plane, its padding included, has the thread's packet j.
template <class Coder>
__device__ bool is_in_plane(const Tile& tile, int j) {
  constexpr int kPadding = 8 * 16 / Coder::kBits;  // in elements
  const int end = (tile.block_size() + kPadding - 1) / kPadding * kPadding;
  return tile.element(j) < end;
}

template <class Coder>
__device__ EncodedTile<Coder> load_encoded(const std::byte* segment, const Tile& tile,
                                           const TilePlace<Coder>& place) {
  EncodedTile<Coder> loaded;
  if (tile.block_size() == 0) return loaded;
  if constexpr (Coder::kHasScale)
    loaded.scale = *reinterpret_cast<const std::uint16_t*>(place.scale(segment));
  if (tile.is_whole()) {
#pragma unroll
    for (int j = 0; j < kPackets; ++j) loaded.packet[j] = Coder::load(place.codes(segment, j), tile.lane());
    return loaded;
  }
#pragma unroll
  for (int j = 0; j < kPackets; ++j)
    if (is_in_plane<Coder>(tile, j)) loaded.packet[j] = Coder::load(place.codes(segment, j), tile.lane());
  return loaded;
}

template <class Coder>
__device__ Values decode_tile(const Coder& coder, const EncodedTile<Coder>& loaded) {
  Values values;
#pragma unroll
  for (int j = 0; j < kPackets; ++j)
    values.packet[j] = coder.decode(loaded.packet[j], scale_value(static_cast<std::uint16_t>(loaded.scale)));
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
// of them. Uncompressed values are not loaded ahead: each load is large enough to wait for.
template <class Coder>
__device__ Values add_up(const Contributions& sum, const Coder& coder, const Tile& tile,
                         const TilePlace<Coder>& place) {
  constexpr bool kLoadsAhead = Coder::kHasScale;
  const auto load = [&](Contributions::Address at) {
    return at.is_segment() ? load_encoded(at.segment(), tile, place) : EncodedTile<Coder>{};
  };
  Values total{};
  EncodedTile<Coder> next;
  if (kLoadsAhead) next = load(sum[0]);
  for (int i = 0; i < sum.count(); ++i) {
    const Contributions::Address at = sum[i];
    const EncodedTile<Coder> loaded = kLoadsAhead ? next : load(at);
    if (kLoadsAhead && i + 1 < sum.count()) next = load(sum[i + 1]);
    const Values part = at.is_segment() ? decode_tile(coder, loaded) : load_values(at.values(), tile);
    if (i == 0)
      total = part;
    else
      each_pair(total, part, [](float& value, float more) { value += more; });
  }
  if (sum.factor() != 1) each_value(total, [&](float& value) { value *= sum.factor(); });
  if (!tile.is_whole()) clear_behind_end(total, tile);
  return total;
}

// True if nothing is computed: one contribution whose bits are its values', with a factor of 1.
template <class Coder>
__device__ bool is_copy(const Contributions& sum) {
  return sum.count() == 1 && sum.factor() == 1 && !(Coder::kHasScale && sum[0].is_segment());
}

__device__ inline void make_canonical(Values& values) {
  each_value(values, [](float& value) { value = canonical(value); });
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
    Values values = add_up(job.sum, coder, tile, TilePlace<Coder>(job.geometry, tile));
    if (!is_copy<Coder>(job.sum)) make_canonical(values);
    store_values(values, tile, job.values);
  });
}

}  // namespace eightfold::quant8::cuda
