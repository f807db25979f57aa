#pragma once

// The command line of `eightfold launch` and its supervised run.

#include "launch/command/job.hpp"
#include "launch/process/launcher_options.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace eightfold::launch::supervise {

struct LaunchOptions {
  command::JobOptions job;
  process::LauncherOptions launcher;
  int nodes = 0, ranks_per_node = 0;  // 0: not given
  int max_restarts = 3;
  std::string backoff = "5s";
  command::Option resume;
  std::filesystem::path resume_from;  // empty: the job's newest run
  std::filesystem::path json;
  bool is_dry = false;

  void add_to(const command::Command& command);
};

// The Slurm allocation that this process runs in.
struct Allocation {
  std::string id;
  int nodes = 1;
  std::optional<int> tasks;  // if the user asked for a number
};
// From the environment; nothing outside an allocation. Throws EnvironmentError.
std::optional<Allocation> slurm_allocation();

// The launcher, the hosts and the run of a supervised job.
struct LaunchPlan {
  process::Launcher launcher;         // with all hosts; their slots are their ranks
  int nodes = 1, ranks_per_node = 1;  // if no host is named
  runtime::config::JobConfig job;
  std::filesystem::path program;
  std::filesystem::path given_file;  // the job as the user named it
  std::string job_text;              // of a job from a pipe, to be written to job_file(); else empty
  std::vector<std::string> overrides;
  std::filesystem::path json;
  std::filesystem::path run_directory;  // of every attempt; not made yet
  bool goes_on = false;                 // with an existing run
  int max_restarts = 0;
  std::chrono::nanoseconds backoff{0};

  // The file that ranks read. Ranks cannot read a pipe of this process: they get a copy in the run's
  // directory.
  std::filesystem::path job_file() const;
  // The launcher's command line on these of its hosts; with none, on all nodes.
  std::vector<std::string> command(const std::vector<process::Host>& hosts, bool resumes) const;
  // The number of ranks that the command starts.
  int ranks_on(const std::vector<process::Host>& hosts) const;
};

// Checks everything before the first start. Throws ConfigError, EnvironmentError, DataError.
LaunchPlan plan_of(const LaunchOptions& options, const std::optional<Allocation>& allocation);

}  // namespace eightfold::launch::supervise
