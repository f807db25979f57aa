#pragma once

// What subcommands of `eightfold` share. Each adds its options to the command line and leaves behind what to
// do; main runs the one that was chosen.

#include "comm/mpi/environment.hpp"
#include "kernels/base/error.hpp"
#include "launch/command/command_line.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace eightfold::launch::command {

// What the chosen command does; set while the command line is read.
using Action = std::function<base::ExitCode()>;

// Runs `action` between the start and the end of MPI. An error that all ranks agree on is reported by one of
// them and they leave together; any other is reported by its rank and ends the job. Returns the exit code,
// which the flight record has, too.
base::ExitCode with_ranks(base::FlightRecorder& recorder,
                          const std::function<void(comm::mpi::Environment&)>& action);
// The same where nobody watches: with a recorder of its own.
base::ExitCode with_ranks(const std::function<void(comm::mpi::Environment&)>& action);

// Adds --json FILE, or - for standard output, for publish (launch/command/result.hpp).
void add_json_option(const Command& command, std::filesystem::path& path);

// Makes `command` run `action` on every rank.
template <class Options>
void run_on_ranks(const Command& command, Action& chosen, std::shared_ptr<Options> options,
                  void (*action)(const Options&, comm::mpi::Environment&)) {
  command.callback([&chosen, options, action] {
    chosen = [options, action] {
      return with_ranks([&](comm::mpi::Environment& environment) { action(*options, environment); });
    };
  });
}

// Runs `action` without MPI.
base::ExitCode alone(const std::function<void()>& action);

}  // namespace eightfold::launch::command
