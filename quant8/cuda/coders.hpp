#pragma once

// The facts about a format for kernels. A coder has
//   kBits                         of a code
//   kHasScale, kSumsMagnitudes    whether there are scales, and whether they are means
//   Packed                        the codes of a packet, as one access moves them
//   Shared                        its tables in the block's shared memory, filled by the constructor
//   load, store                   a packet; store is called by whole warps
//   decode                        a packet, times its scale
//   encode                        a packet; `inverse` is of its scale

#include "quant8/cuda/level_tables.hpp"
#include "quant8/cuda/tile.hpp"

#include <cstddef>
#include <cstdint>

namespace eightfold::quant8::cuda {

using Floats = kernels::cuda::Packet<float>;

// The place at which the random numbers of stochastic rounding begin.
struct Draw {
  kernels::RandomKey key;
  std::uint64_t index = 0;
};

template <class PackedT>
struct PackedAccess {
  using Packed = PackedT;
  __device__ static Packed load(const std::byte* at, unsigned) {
    return *reinterpret_cast<const Packed*>(at);
  }
  __device__ static void store(std::byte* at, unsigned, bool exists, Packed value) {
    if (exists) *reinterpret_cast<Packed*>(at) = value;
  }
};

}  // namespace eightfold::quant8::cuda
