#pragma once

// Jobs of commands: rank 0 reads a file and the overrides on its command line, and every rank gets the same
// values.

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
  // The contents of the file, once read, for a pipe can be read only once. Copies share them.
  std::shared_ptr<std::optional<std::string>> text = std::make_shared<std::optional<std::string>>();

  // Adds the positional JOB and --set.
  void add_to(const Command& command);
};

// --device, for commands that compute without a job.
struct DeviceOption {
  std::string name = "auto";

  void add_to(const Command& command);
  runtime::config::DeviceChoice choice() const;
};

// Rank 0 prepares the file of --json (launch/command/result.hpp). Collective; errors are agreed.
void share_json_check(comm::mpi::Communicator& world, const std::filesystem::path& path);

// The contents of the job's file. Throws ConfigError.
const std::string& text_of(const JobOptions& options);
// Reads and parses in this process alone. Throws ConfigError.
runtime::job::ParsedJob read_job(const JobOptions& options);
// The job that a checkpoint was written by, perhaps by an earlier version of this program.
runtime::job::ParsedJob read_saved_job(const std::filesystem::path& checkpoint,
                                       const std::vector<std::string>& overrides = {});
// The overrides with which a process with another home and other variables reads the same job from the file.
std::vector<std::string> overrides_elsewhere(const JobOptions& options,
                                             const runtime::config::Origins& origins);

// What the job says of its device, as far as every rank can know it before rank 0 shares the job.
runtime::config::DeviceChoice known_device(const JobOptions& options);
// What the overrides alone say of it.
runtime::config::DeviceChoice known_device(const std::vector<std::string>& overrides);
// Selects the GPU of this rank before MPI starts (comm/mpi/binding.hpp). A job that `device` does not know to
// be the host's may leave it idle. What `device` throws is found again when the job is shared.
void select_device_before_mpi(const std::function<runtime::config::DeviceChoice()>& device);

// Rank 0 reads, everybody gets the same job. Collective; errors are agreed.
runtime::config::JobConfig share_job(comm::mpi::Communicator& world, const JobOptions& options);
// The same for a job that rank 0 gets from `read_on_root`.
runtime::config::JobConfig share_job(comm::mpi::Communicator& world,
                                     const std::function<runtime::job::ParsedJob()>& read_on_root);

// Reads the data, which must be the same on every rank, and plans the job. `facts`: mean and deviation of the
// data that the model was trained on; null: those of this data. Collective; errors are agreed.
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
