#pragma once

// Jobs as commands get them: a file and overrides on the command line of rank 0, the same values on every
// rank.

#include "comm/mpi/communicator.hpp"
#include "kernels/device.hpp"
#include "launch/command/command_line.hpp"
#include "runtime/job/parse.hpp"
#include "runtime/run/run_directory.hpp"
#include "runtime/run/session.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace eightfold::launch::command {

struct JobOptions {
  std::filesystem::path file;
  std::vector<std::string> overrides;
  // What is in the file, once it has been read: a pipe can be read once. Copies share it.
  std::shared_ptr<std::optional<std::string>> text = std::make_shared<std::optional<std::string>>();

  // Adds the positional JOB and --set.
  void add_to(const Command& command);
};

// --device for commands without a job: where they compute.
struct DeviceOption {
  std::string name = "auto";

  void add_to(const Command& command);
  runtime::config::DeviceChoice choice() const;
};

// Rank 0 prepares what --json says (launch/command/result.hpp). Collective; errors are agreed.
void share_json_check(comm::mpi::Communicator& world, const std::filesystem::path& path);

// What is in the job's file. Throws ConfigError.
const std::string& text_of(const JobOptions& options);
// Reads and parses in this process alone. Throws ConfigError.
runtime::job::ParsedJob read_job(const JobOptions& options);
// The job that a checkpoint was written by, perhaps by an earlier version of this program.
runtime::job::ParsedJob read_saved_job(const std::filesystem::path& checkpoint,
                                       const std::vector<std::string>& overrides = {});
// The overrides that make the same job of the file for a process with another home and other variables.
std::vector<std::string> overrides_elsewhere(const JobOptions& options,
                                             const runtime::config::Origins& origins);

// Rank 0 reads, everybody gets the same job. Collective; errors are agreed.
runtime::config::JobConfig share_job(comm::mpi::Communicator& world, const JobOptions& options);
// The same for a job that rank 0 gets otherwise.
runtime::config::JobConfig share_job(comm::mpi::Communicator& world,
                                     const std::function<runtime::job::ParsedJob()>& read_on_root);

// Reads data, which must be the same everywhere, and plans the job on every rank. `facts`: what other
// training data taught; null: this data's. Collective; errors are agreed.
std::unique_ptr<runtime::run::Session> plan_session(comm::mpi::Communicator& world,
                                                    const runtime::config::JobConfig& job,
                                                    const runtime::run::RankPlace& place,
                                                    const std::function<runtime::data::Split()>& open_data,
                                                    const runtime::data::TrainingFacts* facts = nullptr);
// The same for training on the data that the job names.
std::unique_ptr<runtime::run::Session> plan_session(comm::mpi::Communicator& world,
                                                    const runtime::config::JobConfig& job,
                                                    const runtime::run::RankPlace& place);

// Chooses device and threads for this rank. Collective.
struct Placement {
  runtime::run::RankPlace place;
  runtime::run::RunFacts facts;  // complete on rank 0
};
Placement place_rank(comm::mpi::Communicator& world, const runtime::config::Job& job);
// The same for a command without a job.
Placement place_rank(comm::mpi::Communicator& world, const DeviceOption& device);

}  // namespace eightfold::launch::command
