#pragma once

// The directory of one run: <job.run_dir>/<job.name>/<time>/ with config.resolved.toml, environment.json,
// metrics.jsonl, trace.json, log/, flight/ and checkpoints/. Private to the user. Made on rank 0.

#include "runtime/config/job.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace eightfold::runtime::run {

// The name of one that is not there yet.
std::filesystem::path free_run_directory(const config::Job& job);

// A fresh one, this process's alone. Throws EnvironmentError.
std::filesystem::path create_run_directory(const config::Job& job);

// Whether a run has begun in this directory.
bool holds_run(const std::filesystem::path& directory);

// Whether the newest start of the run has come to the run's end, by what it has written to metrics.jsonl.
bool has_ended(const std::filesystem::path& directory);

// Where the run's checkpoints are: checkpoint.dir if the job names one, else inside the run directory.
std::filesystem::path checkpoint_store(const config::JobConfig& job,
                                       const std::filesystem::path& run_directory);

// The newest earlier run of this job that has written a checkpoint; nothing if there is none. Throws
// EnvironmentError where that cannot be told.
std::optional<std::filesystem::path> newest_run(const config::JobConfig& job);

// What somebody means who names `path` as the place of checkpoints: one checkpoint, or a folder of them.
// Where it is a run directory that is the run's own folder, where it is a folder of runs that of the newest
// with a checkpoint. `path` itself if there is none. Throws EnvironmentError where that cannot be told.
std::filesystem::path checkpoints_at(const std::filesystem::path& path);

// The run whose own a folder of checkpoints is; nothing for one that is kept elsewhere.
std::optional<std::filesystem::path> run_with_store(const std::filesystem::path& store);
// The run that a checkpoint was written by, likewise.
std::optional<std::filesystem::path> run_of(const std::filesystem::path& checkpoint);

// The run's directory of flight records (kernels/base/flight_record.hpp), empty: what an earlier start of the
// run has left in one becomes flight-1, flight-2 ... Throws EnvironmentError.
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
