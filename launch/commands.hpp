#pragma once

// The subcommands of `eightfold` that have a file of their own. Each adds its options to the command line and
// leaves behind what to do.

#include "launch/command/command.hpp"

namespace eightfold::launch {

void add_train(const command::Command& program, command::Action& chosen);
void add_evaluate(const command::Command& program, command::Action& chosen);
void add_config(const command::Command& program, command::Action& chosen);
void add_data(const command::Command& program, command::Action& chosen);
void add_checkpoint(const command::Command& program, command::Action& chosen);

}  // namespace eightfold::launch
