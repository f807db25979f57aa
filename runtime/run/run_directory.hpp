#pragma once

// The directory of one run: <job.run_dir>/<job.name>/<time>/ with config.resolved.toml, environment.json,
// metrics.jsonl, trace.json, log/, flight/ and checkpoints/. Private to the user. Made on rank 0.

#include "runtime/config/job.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace eightfold::runtime::run {

// The name of a run directory that does not exist yet.
std::filesystem::path free_run_directory(const config::Job& job);

// Creates a new run directory that no other process uses. Throws EnvironmentError.
std::filesystem::path create_run_directory(const config::Job& job);

// True if a run has begun in this directory.
bool holds_run(const std::filesystem::path& directory);

// True if the newest start of the run reached the end of the run, judged by its metrics.jsonl.
bool has_ended(const std::filesystem::path& directory);

// The directory of the run's checkpoints: checkpoint.dir if the job names one, else one inside the run
// directory.
std::filesystem::path checkpoint_store(const config::JobConfig& job,
                                       const std::filesystem::path& run_directory);

// The newest earlier run of this job that has written a checkpoint; nothing if there is none. Throws
// EnvironmentError where directories cannot be read.
std::optional<std::filesystem::path> newest_run(const config::JobConfig& job);

// The checkpoint or the folder of checkpoints that a user means by `path`. A run directory means the run's
// folder: that of checkpoint.dir, which the log then names, if its config.resolved.toml has one. A folder of
// runs means that of its newest run with a checkpoint. Anything else means `path` itself. Throws
// EnvironmentError where directories cannot be read.
std::filesystem::path checkpoints_at(const std::filesystem::path& path);

// The run that has this folder of checkpoints inside its directory; nothing for a folder outside of any run.
std::optional<std::filesystem::path> run_with_store(const std::filesystem::path& store);
// The run that wrote a checkpoint; nothing if its folder is outside of any run.
std::optional<std::filesystem::path> run_of(const std::filesystem::path& checkpoint);

// Creates the run's directory of flight records (kernels/base/flight_record.hpp). The directory of an earlier
// start is renamed to flight-1, flight-2 ... before. Throws EnvironmentError.
std::filesystem::path create_flight_directory(const std::filesystem::path& run_directory);
std::filesystem::path flight_directory(const std::filesystem::path& run_directory);

// Writes config.resolved.toml and environment.json (build, MPI, hosts of all ranks, device, threads).
struct RunFacts {
  std::string hosts;  // of every rank, separated by commas
  std::string device;
  int ranks = 1;
  int nodes = 1;
  int threads = 1;
};
void describe_run(const std::filesystem::path& run_directory, const config::JobConfig& job,
                  const RunFacts& facts);
// The facts as the "environment" of --json files.
std::string environment_json(const RunFacts& facts);

}  // namespace eightfold::runtime::run
