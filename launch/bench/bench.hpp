#pragma once

// The subcommands of `eightfold bench`.

#include "launch/command/command.hpp"

namespace eightfold::launch::bench {

void add_bench(const command::Command& program, command::Action& chosen);

void add_bench_codec(const command::Command& bench, command::Action& chosen);
void add_bench_collective(const command::Command& bench, command::Action& chosen);
void add_bench_link(const command::Command& bench, command::Action& chosen);
void add_bench_step(const command::Command& bench, command::Action& chosen);

}  // namespace eightfold::launch::bench
