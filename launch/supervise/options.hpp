#pragma once

// The command line of `eightfold launch`, and the supervised run that it asks for.

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

// What Slurm says of the allocation that this process is in.
struct Allocation {
  std::string id;
  int nodes = 1;
  std::optional<int> tasks;  // if any number was asked for
};
// From the environment; nothing outside an allocation. Throws EnvironmentError.
std::optional<Allocation> slurm_allocation();

// How ranks are started, where, and what they do.
struct LaunchPlan {
  process::Launcher launcher;         // with all of its hosts, whose slots are the ranks that they get
  int nodes = 1, ranks_per_node = 1;  // where no host is named
  runtime::config::JobConfig job;
  std::filesystem::path program, job_file;
  std::string job_text;  // of a job that came from a pipe: to be written to job_file; else empty
  std::vector<std::string> overrides;
  std::filesystem::path json;
  std::filesystem::path run_directory;  // of every attempt; not made yet
  bool goes_on = false;                 // with a run that is there
  int max_restarts = 0;
  std::chrono::nanoseconds backoff{0};

  // The launcher's command line on these of its hosts; with none, on all nodes.
  std::vector<std::string> command(const std::vector<process::Host>& hosts, bool resumes) const;
  // How many ranks that starts.
  int ranks_on(const std::vector<process::Host>& hosts) const;
};

// Checks all that can be wrong before anything is started. Throws ConfigError, EnvironmentError, DataError.
LaunchPlan plan_of(const LaunchOptions& options, const std::optional<Allocation>& allocation);

}  // namespace eightfold::launch::supervise
