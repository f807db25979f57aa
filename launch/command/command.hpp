#pragma once

// Parts that the subcommands of `eightfold` share. Each adds its options to the command line and sets the
// Action that main runs if the user chose it.

#include "comm/mpi/environment.hpp"
#include "kernels/base/error.hpp"
#include "launch/command/command_line.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace eightfold::launch::command {

// The work of the chosen command; set while the command line is read.
using Action = std::function<base::ExitCode()>;

// Runs `action` between the start and the end of MPI. An AgreedError is reported by one rank, and all leave
// together. Any other error is reported by its rank and ends the job. Returns the exit code., which the
// flight record has, too.
base::ExitCode with_ranks(base::FlightRecorder& recorder,
                          const std::function<void(comm::mpi::Environment&)>& action);
// The same where nobody watches: with a recorder of its own.
base::ExitCode with_ranks(const std::function<void(comm::mpi::Environment&)>& action);

// Adds --json FILE, or - for standard output, for publish (launch/command/result.hpp).
void add_json_option(const Command& command, std::filesystem::path& path);

// Runs `action` without MPI. Errors are reported; returns the exit code.
base::ExitCode alone(const std::function<void()>& action);

// Makes `command` run `action` without MPI, with the options that the command line has set.
template <class Options>
void run_alone(const Command& command, Action& chosen, std::shared_ptr<Options> options,
               void (*action)(const std::type_identity_t<Options>&)) {
  command.callback([&chosen, options, action] {
    chosen = [options, action] { return alone([&] { action(*options); }); };
  });
}

}  // namespace eightfold::launch::command
