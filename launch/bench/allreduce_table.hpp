#pragma once

// Timings of allreduces: a table with the columns of nccl-tests, and rows for scripts.

#include "launch/bench/allreduce_timing.hpp"
#include "launch/command/result.hpp"

namespace eightfold::launch::bench {

void print_timings(const Timings& result, int ranks);

command::ResultRow row_of(const Timings& result, const Timing& each, int ranks);

}  // namespace eightfold::launch::bench
