#pragma once

// The subcommands of `eightfold scale`.

#include "launch/command.hpp"

namespace eightfold::launch {

void add_scale_report(CLI::App& scale, Action& chosen);

}  // namespace eightfold::launch
