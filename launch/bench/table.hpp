#pragma once

// What a race of allreduces came to: a table as nccl-tests prints it, and rows for scripts.

#include "launch/bench/runner.hpp"
#include "launch/command/result.hpp"

namespace eightfold::launch::bench {

void print_timings(const Timings& result, int ranks);

command::ResultRow row_of(const Timings& result, const Timing& each, int ranks);

}  // namespace eightfold::launch::bench
