#pragma once

// Loops over the elements of a block: what the instruction sets implement for each format. n is any number up
// to kBlock; what does not fill some registers is left to the portable loops.

#include "quant8/host/codec.hpp"
#include "quant8/host/level_index.hpp"
#include "quant8/host/planes.hpp"
#include "quant8/host/streaming.hpp"

#include <cstdint>

namespace eightfold::quant8::host {

// What is known of the elements that share a scale.
struct Extent {
  std::uint32_t largest = 0;  // magnitude_bits()
  double sum = 0;             // of the magnitudes, for one_bit
};

// `index` is level_index() of the format.
struct Primitives {
  // Counts elements in. For the largest alone n may be any number.
  void (*measure)(const float* x, std::int64_t n, Extent& extent);
  // To the nearest level. All bytes of the codes are written.
  void (*encode)(const LevelIndex* index, const float* x, std::int64_t n, float inverse_scale,
                 std::uint8_t* codes);
  // A NaN that comes out of a scale or a level is canonical().
  void (*decode)(const LevelIndex* index, const EncodedBlock& block, std::int64_t n, float* y, Store store);
  // Adds `count` blocks, one or more, to y, in their order. A NaN that comes out of it has any bits: whoever
  // adds last makes it canonical, once.
  void (*decode_add)(const LevelIndex* index, const EncodedBlock* blocks, std::size_t count, std::int64_t n,
                     float* y);
};

// One translation unit each, compiled for those instructions.
Primitives portable_primitives(Format format);
Primitives avx2_primitives(Format format);
Primitives avx512_primitives(Format format);

Primitives primitives_of(Format format, Instructions instructions);

}  // namespace eightfold::quant8::host
