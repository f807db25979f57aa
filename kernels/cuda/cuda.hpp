#pragma once

// The seam to CUDA: every `.cu` file and nothing else includes this. Under nvcc it is the toolkit's runtime.
// For tests without a GPU the host compiler compiles the same sources against tests/simt/, which interprets
// kernels and replaces the runtime (docs/simt.md).
//
// Kernels may use what both sides have: barriers, shuffles, votes, atomics, shared memory, the types of
// cuda_fp16.h and cuda_bf16.h. Tables are declared as `static __constant__ Table t = make_table();`. Not: <<<
// >>>, CUB, cooperative groups, inline PTX, device lambdas, waiting for another block.

#ifdef EIGHTFOLD_SIMT
#include <simt/cuda.hpp>
#else
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#endif

#include "kernels/base/error.hpp"
#include "kernels/stream.hpp"

#include <cstddef>
#include <cstdint>
#include <source_location>

namespace eightfold::kernels::cuda {

class CudaError : public base::LibraryError {
 public:
  CudaError(const char* call, cudaError_t code, const char* reason, std::source_location where)
      : LibraryError(call, static_cast<int>(code), reason, where) {}
};

[[noreturn]] void throw_cuda_error(const char* call, cudaError_t code, std::source_location where);

inline cudaStream_t native(StreamView stream) {
  return static_cast<cudaStream_t>(stream.handle());
}

struct LaunchShape {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;  // dynamic shared memory
};

}  // namespace eightfold::kernels::cuda

// Evaluates a runtime call once and throws CudaError, with the call, CUDA's name and text and this place,
// unless it succeeded. Clears the runtime's last error.
#define EIGHTFOLD_CUDA_CHECK(call)                                                          \
  do {                                                                                      \
    if (const cudaError_t eightfold_cuda_code = (call); eightfold_cuda_code != cudaSuccess) \
      ::eightfold::kernels::cuda::throw_cuda_error(#call, eightfold_cuda_code,              \
                                                   std::source_location::current());        \
  } while (0)

namespace eightfold::kernels::cuda {

// Work starts on the device that is current for the calling thread: to be called before anything that has no
// device among its arguments. Costs nothing where it is current already.
inline void make_current(Device device) {
  EIGHTFOLD_CUDA_CHECK(cudaSetDevice(device.index));
}

// Starts a kernel: the one way to do it. Arguments convert to the kernel's parameters as in a call.
template <class... Parameters, class... Arguments>
void launch(StreamView stream, const LaunchShape& shape, void (*kernel)(Parameters...),
            Arguments&&... arguments) {
  make_current(stream.device());
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = native(stream);
  EIGHTFOLD_CUDA_CHECK(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...));
}

// Blocks for a grid-stride loop over `items`: enough to fill the device, never more than there is work. Reads
// the number of multiprocessors once per device.
unsigned grid_blocks(StreamView stream, std::int64_t items, unsigned block_threads,
                     unsigned blocks_per_multiprocessor);

}  // namespace eightfold::kernels::cuda

// SHARED_ARRAY(float, tile, 256): an array of the block, uninitialised. The count is a constant.
// dynamic_shared<T>(): the block's dynamic shared memory as T*, aligned to 16 bytes.
#ifndef EIGHTFOLD_SIMT
#define SHARED_ARRAY(type, name, count) __shared__ type name[count]

namespace eightfold::kernels::cuda {
template <class Value>
__device__ Value* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char eightfold_dynamic_shared[];
  return reinterpret_cast<Value*>(eightfold_dynamic_shared);
}
}  // namespace eightfold::kernels::cuda
#endif
