#pragma once

// The subcommands of `eightfold scale`.

#include "launch/command.hpp"

namespace eightfold::launch {

void add_scale_run(const Command& scale, Action& chosen);
void add_scale_simulate(const Command& scale, Action& chosen);
void add_scale_report(const Command& scale, Action& chosen);

}  // namespace eightfold::launch
