#pragma once

// Replaces the toolkit's runtime in kernels/cuda/cuda.hpp when the host compiler compiles kernels for the
// interpreter (docs/simt.md). It has the toolkit's types and declarations, and all that only nvcc would know.

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>
#include <vector_functions.h>

#ifndef __launch_bounds__
#define __launch_bounds__(...)
#endif

#include "tests/simt/atomics.hpp"
#include "tests/simt/barriers.hpp"
#include "tests/simt/builtin_variables.hpp"
#include "tests/simt/half.hpp"
#include "tests/simt/intrinsics.hpp"
#include "tests/simt/launch.hpp"
#include "tests/simt/warp.hpp"
