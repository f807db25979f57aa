#pragma once

// `eightfold scale` and its subcommands.

#include "launch/command/command.hpp"

namespace eightfold::launch::scale {

void add_scale(const command::Command& program, command::Action& chosen);

void add_scale_run(const command::Command& scale, command::Action& chosen);
void add_scale_simulate(const command::Command& scale, command::Action& chosen);
void add_scale_report(const command::Command& scale, command::Action& chosen);

// An option of the subcommands that predict.
inline constexpr const char* kOwnHosts = "--own-hosts";
inline constexpr const char* kOwnHostsHelp =
    "Gives every node for itself the cores that the profile's nodes share";

}  // namespace eightfold::launch::scale
