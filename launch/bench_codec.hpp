#pragma once

// eightfold bench codec: how fast formats are encoded, decoded and summed on one core, beside what its memory
// can do, and how much they lose.

#include "launch/command.hpp"

namespace eightfold::launch {

void add_bench_codec(const Command& bench, Action& chosen);

}  // namespace eightfold::launch
