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
// stream that is none, or the one of check_caller(); success else.
cudaError_t find(cudaStream_t& stream, const char* call = __builtin_FUNCTION());
// Waits for all streams of a device; their first error.
cudaError_t synchronize_device(int device, Reason reason);

// What every call that initialises or uses a device asks first. The error of one from a host function, or
// from a thread that must select its device and has not (SIMT_STRICT_DEVICE); success else.
cudaError_t check_caller(const char* call = __builtin_FUNCTION());

// What comes before the first use of a kernel on a device: loading it may wait for the device
// (SIMT_LAZY). Requires: the caller has the runtime's lock.
void load(int device, const void* kernel, const char* call);

// The calling thread's last error, as cudaGetLastError has it. Returns `code`.
cudaError_t remember(cudaError_t code);
cudaError_t take_last_error();
cudaError_t last_error();

}  // namespace eightfold::simt
