#pragma once

// One format's way with up to kBlock elements that share a scale; the loops over blocks are the codec's
// (quant8/host/codec.cpp).

#include "kernels/random.hpp"
#include "quant8/format.hpp"
#include "quant8/host/primitives.hpp"

#include <cstdint>
#include <memory>
#include <span>

namespace eightfold::quant8::host {

// The facts about the elements that share a scale.
struct Extent {
  std::uint32_t largest = 0;  // magnitude_bits()
  double sum = 0;             // of the magnitudes, for one_bit
};

// The place at which the random numbers of stochastic rounding begin.
struct Draw {
  kernels::RandomKey key;
  std::uint64_t index = 0;
};

class BlockCoder {
 public:
  virtual ~BlockCoder() = default;

  // Counts a block in. The uncompressed formats have no scale and need none.
  virtual void measure(const float* x, std::int64_t n, Extent& extent) const = 0;
  virtual std::uint16_t scale(const Extent& extent, std::int64_t elements) const = 0;

  // All bytes of the codes are written. `draw` is null for rounding to nearest.
  virtual void encode(const float* x, std::int64_t n, std::uint16_t scale, const Draw* draw,
                      std::uint8_t* codes) const = 0;
  // A NaN that comes out of a scale or a level is canonical().
  virtual void decode(const EncodedBlock& block, std::int64_t n, float* y, Store store) const = 0;
  // Adds what several segments have of the block to y, in their order. A NaN that comes out of it has any
  // bits: whoever adds last makes it canonical, once.
  virtual void decode_add(std::span<const EncodedBlock> blocks, std::int64_t n, float* y) const = 0;
};

// canonical() of n values.
void make_canonical(float* y, std::int64_t n);

std::unique_ptr<BlockCoder> make_block_coder(Format format, Instructions instructions);

}  // namespace eightfold::quant8::host
