#pragma once

// The stand-in's devices, and which streams they have.

#include "tests/simt/stream.hpp"

#include <cuda_runtime_api.h>

namespace eightfold::simt {

inline constexpr int kMultiprocessors =
    2;  // one fiber per thread is slow: grids that fit the device stay small

bool is_device(int device);
// The calling thread's.
int current_device();
void set_current_device(int device);

// Throws nothing, waits for nothing. Counted until destroyed.
cudaStream_t create_stream();
// False if it is not one of ours.
bool destroy_stream(cudaStream_t stream);
// Replaces null by the stream that the current device has from its first use. The error of a call with a
// stream that is none, or from a host function; success else.
cudaError_t find(cudaStream_t& stream);
// Waits for all streams of the current device; their first error.
cudaError_t synchronize_device();

// For host functions (cudaLaunchHostFunc), from which no call of the runtime is permitted: a GPU's driver may
// wait for ever.
void run_host_function(cudaHostFn_t function, void* data);
bool is_in_host_function();

// The calling thread's last error, as cudaGetLastError has it. Returns `code`.
cudaError_t remember(cudaError_t code);
cudaError_t take_last_error();
cudaError_t last_error();

}  // namespace eightfold::simt
