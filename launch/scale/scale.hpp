#pragma once

// The subcommands of `eightfold scale`.

#include "launch/command/command.hpp"

namespace eightfold::launch {

void add_scale_run(const Command& scale, Action& chosen);
void add_scale_simulate(const Command& scale, Action& chosen);
void add_scale_report(const Command& scale, Action& chosen);

// An option of those that predict.
inline constexpr const char* kOwnHosts = "--own-hosts";
inline constexpr const char* kOwnHostsHelp =
    "Gives every node for itself the cores that the profile's nodes share";

}  // namespace eightfold::launch
