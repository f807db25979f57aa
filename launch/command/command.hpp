#pragma once

// The subcommands of `eightfold`. Each adds its options to the command line and leaves behind what to do;
// main runs the one that was chosen and turns whatever it throws into one line and an exit code.

#include "comm/mpi/environment.hpp"
#include "kernels/base/error.hpp"
#include "launch/command/command_line.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace eightfold::launch {

// What the chosen command does; set while the command line is read.
using Action = std::function<base::ExitCode()>;

void add_train(const Command& program, Action& chosen);
void add_evaluate(const Command& program, Action& chosen);
void add_config(const Command& program, Action& chosen);
void add_data(const Command& program, Action& chosen);
void add_checkpoint(const Command& program, Action& chosen);
void add_bench(const Command& program, Action& chosen);
void add_doctor(const Command& program, Action& chosen);
void add_scale(const Command& program, Action& chosen);
void add_launch(const Command& program, Action& chosen);

// Runs `action` between the start and the end of MPI. An error that all ranks agree on is reported by one of
// them and they leave together; any other is reported by its rank and ends the job. Returns the exit code.
base::ExitCode with_ranks(const std::function<void(comm::Environment&)>& action);

// Adds --json FILE, or - for standard output, for publish (launch/command/result.hpp).
void add_json_option(const Command& command, std::filesystem::path& path);

// Makes `command` run `action` on every rank.
template <class Options>
void run_on_ranks(const Command& command, Action& chosen, std::shared_ptr<Options> options,
                  void (*action)(const Options&, comm::Environment&)) {
  command.callback([&chosen, options, action] {
    chosen = [options, action] {
      return with_ranks([&](comm::Environment& environment) { action(*options, environment); });
    };
  });
}

// Runs `action` without MPI.
base::ExitCode alone(const std::function<void()>& action);

}  // namespace eightfold::launch
