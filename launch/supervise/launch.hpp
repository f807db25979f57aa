#pragma once

// `eightfold launch`: starts a job, and restarts it after failures that it can survive.

#include "launch/command/command.hpp"

namespace eightfold::launch::supervise {

void add_launch(const command::Command& program, command::Action& chosen);

}  // namespace eightfold::launch::supervise
