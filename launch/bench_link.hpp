#pragma once

// eightfold bench link: what the wires between the ranks do, and the calibration file that `auto` chooses
// algorithms from (docs/benchmarking.md).

#include "launch/command.hpp"

namespace eightfold::launch {

void add_bench_link(const Command& bench, Action& chosen);

}  // namespace eightfold::launch
