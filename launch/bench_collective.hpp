#pragma once

// eightfold bench collective: allreduces of this and of other libraries against each other and against the
// network, every line verified (docs/benchmarking.md).

#include "launch/command.hpp"

namespace eightfold::launch {

void add_bench_collective(const Command& bench, Action& chosen);

}  // namespace eightfold::launch
