#pragma once

// The subcommands of `eightfold scale`.

#include "launch/command.hpp"

namespace eightfold::launch {

void add_scale_run(CLI::App& scale, Action& chosen);
void add_scale_simulate(CLI::App& scale, Action& chosen);
void add_scale_report(CLI::App& scale, Action& chosen);

}  // namespace eightfold::launch
