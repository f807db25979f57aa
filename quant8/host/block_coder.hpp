#pragma once

// One format's way with up to kBlock elements that share a scale; the loops over blocks are the codec's
// (quant8/host/codec.cpp).

#include "kernels/random.hpp"
#include "quant8/format.hpp"
#include "quant8/host/primitives.hpp"

#include <cstdint>
#include <span>

namespace eightfold::quant8::host {

// Where the random numbers of stochastic rounding begin.
struct Draw {
  kernels::RandomKey key;
  std::uint64_t index = 0;
};

class BlockCoder {
 public:
  BlockCoder(Format format, Instructions instructions)
      : format_(format), index_(level_index(format)), primitives_(primitives_of(format, instructions)) {}

  // Counts a block in. The uncompressed formats have no scale and need none.
  void measure(const float* x, std::int64_t n, Extent& extent) const { primitives_.measure(x, n, extent); }
  std::uint16_t scale(const Extent& extent, std::int64_t elements) const;

  // All bytes of the codes are written. `draw` is null for rounding to nearest.
  void encode(const float* x, std::int64_t n, std::uint16_t scale, const Draw* draw,
              std::uint8_t* codes) const;
  // A NaN that comes out of a scale or a level is canonical().
  void decode(const EncodedBlock& block, std::int64_t n, float* y, Store store) const {
    primitives_.decode(index_, block, n, y, store);
  }
  // Adds what several segments have of the block to y, in their order. A NaN that comes out of it has any
  // bits: whoever adds last makes it canonical, once.
  void decode_add(std::span<const EncodedBlock> blocks, std::int64_t n, float* y) const {
    primitives_.decode_add(index_, blocks.data(), blocks.size(), n, y);
  }

 private:
  void encode_stochastic(const float* x, std::int64_t n, float inverse_scale, const Draw& draw,
                         std::uint8_t* codes) const;

  Format format_;
  const LevelIndex* index_;
  Primitives primitives_;
};

// canonical() of n values.
void make_canonical(float* y, std::int64_t n);

}  // namespace eightfold::quant8::host
