#pragma once

// Device memory for the partial results of reductions that are plain functions and so have no plan to own
// any.

#include "kernels/stream.hpp"

#include <cstdint>

namespace eightfold::kernels::cuda {

inline constexpr std::int64_t kPartials = 4096;

// kPartials numbers that belong to a stream. Work enqueued on it may use them until it is done. Allocated
// when the stream first asks, in the first step of a job.
double* partials_of(StreamView stream);

// A stream is about to be destroyed.
void release_partials(void* stream) noexcept;

}  // namespace eightfold::kernels::cuda
