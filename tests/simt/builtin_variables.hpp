#pragma once

// threadIdx and similar variables: of the thread of a block that runs now on this system thread. Variables,
// not macros: gridDim and blockDim are also fields of cudaLaunchConfig_t.

#include <vector_types.h>

// NOLINTBEGIN(readability-identifier-naming): the language's names
inline constinit thread_local uint3 threadIdx{};
inline constinit thread_local uint3 blockIdx{};
inline constinit thread_local dim3 blockDim{};
inline constinit thread_local dim3 gridDim{};
inline constexpr int warpSize = 32;
// NOLINTEND(readability-identifier-naming)
