#pragma once

// Reductions over the threads of a block. The order of operations depends on the block's size alone: the same
// values give the same bits on every run.

#include "kernels/cuda/cuda.hpp"

namespace eightfold::kernels::cuda {

inline constexpr unsigned kWarp = 32;
inline constexpr unsigned kMaxWarps = 32;  // of a block

struct Add {
  template <class Value>
  __device__ Value operator()(Value a, Value b) const {
    return a + b;
  }
};

struct Largest {
  template <class Value>
  __device__ Value operator()(Value a, Value b) const {
    return a < b ? b : a;
  }
};
struct Smallest {
  template <class Value>
  __device__ Value operator()(Value a, Value b) const {
    return b < a ? b : a;
  }
};

// combine() of the values of all threads, in every thread. `room` is shared memory for a value per warp, free
// for the next call as soon as this one returns. Called by whole blocks of whole warps. combine() is
// associative and commutes.
template <class Value, class Combine>
__device__ Value block_reduce(Value value, Value* room, const Combine& combine) {
  constexpr unsigned kAllLanes = 0xFFFFFFFFU;
  for (unsigned distance = kWarp / 2; distance > 0; distance /= 2)
    value = combine(value, __shfl_xor_sync(kAllLanes, value, static_cast<int>(distance)));
  __syncthreads();  // an earlier call's values have been read
  if (threadIdx.x % kWarp == 0) room[threadIdx.x / kWarp] = value;
  __syncthreads();
  Value result = room[0];
  for (unsigned warp = 1; warp < blockDim.x / kWarp; ++warp) result = combine(result, room[warp]);
  return result;
}

}  // namespace eightfold::kernels::cuda
