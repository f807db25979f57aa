#pragma once

// Loops over elements that share a scale, for codes of eight bits: what the instruction sets implement.
// n is any number; what does not fill a register is left to the portable loops.

#include "quant8/host/codec.hpp"
#include "quant8/host/level_index.hpp"
#include "quant8/host/planes.hpp"
#include "quant8/host/streaming.hpp"

#include <cstdint>

namespace eightfold::quant8::host {

struct Primitives {
  // The largest magnitude_bits().
  std::uint32_t (*largest)(const float* x, std::int64_t n);
  void (*encode)(const LevelIndex& index, const float* x, std::int64_t n, float inverse_scale,
                 std::uint8_t* codes);
  void (*decode)(const LevelIndex& index, const EncodedBlock& block, std::int64_t n, float* y, Store store);
  // Adds `count` blocks, one or more, to y, in their order. A NaN that comes out of it has any bits; one of
  // decode is canonical().
  void (*decode_add)(const LevelIndex& index, const EncodedBlock* blocks, std::size_t count, std::int64_t n,
                     float* y);
};

namespace portable {
std::uint32_t largest(const float* x, std::int64_t n);
void encode(const LevelIndex& index, const float* x, std::int64_t n, float inverse_scale,
            std::uint8_t* codes);
void decode(const LevelIndex& index, const EncodedBlock& block, std::int64_t n, float* y, Store store);
void decode_add(const LevelIndex& index, const EncodedBlock* blocks, std::size_t count, std::int64_t n,
                float* y);
// The rest of the blocks from element `first` on.
void decode_add_rest(const LevelIndex& index, const EncodedBlock* blocks, std::size_t count,
                     std::int64_t first, std::int64_t n, float* y);
}  // namespace portable

// One translation unit each, compiled for those instructions.
Primitives avx2_primitives(Format format);
Primitives avx512_primitives(Format format);

// The best for the format among what `instructions` has.
Primitives primitives_of(Format format, Instructions instructions);

}  // namespace eightfold::quant8::host
