#pragma once

// Functions of the host in the order of a stream (cudaLaunchHostFunc). A driver runs those of all streams on
// as few threads as it likes (SIMT_HOST_THREADS).

#include <cuda_runtime_api.h>

namespace eightfold::simt {

// Returns when it has run, on the calling thread or on the one that all share.
void run_host_function(cudaHostFn_t function, void* data);
// No call of the runtime is permitted from one: a GPU's driver may wait for ever.
bool is_in_host_function();

}  // namespace eightfold::simt
