#pragma once

// The command line of `eightfold scale run` and its experiment.

#include "launch/command/job.hpp"
#include "launch/process/launcher_options.hpp"
#include "launch/scale/experiment.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace eightfold::launch::scale {

struct ScaleRunOptions {
  command::JobOptions job;
  std::filesystem::path results;
  std::vector<int> nodes = {1};
  std::vector<int> ranks_per_node;  // empty: the slots of the hosts, or 1
  std::vector<std::string> codecs = {"none", "fp32", "bf16", "dynamic-tree8"};
  std::vector<std::string> algorithms = {"two_shot"};
  std::vector<std::string> policies = {"weak"};
  std::int64_t global_batch = 0, rank_batch = 0;  // 0: the job's global_batch
  int repeats = 3;
  std::int64_t steps = 50, warmup = 10;
  process::LauncherOptions launcher;
  std::string time_limit = "30min";
  bool retries_failed = false, is_dry = false;

  void add_to(const command::Command& command);
};

// An experiment: points, command lines, and the file of results.
struct Experiment {
  std::string name;
  ExperimentBench bench;
  process::Launcher launcher;
  std::vector<runtime::scale::Point> points;
  std::vector<PointStart> starts;
  std::chrono::nanoseconds time_limit{0};
  std::filesystem::path results;
  bool retries_failed = false;

  std::vector<std::string> command(const runtime::scale::Point& point) const {
    return launcher.command(point.nodes, point.ranks_per_node, bench_command(bench, point));
  }
};

// Checks everything before the first start. Throws ConfigError, EnvironmentError.
Experiment experiment_of(const ScaleRunOptions& options);

}  // namespace eightfold::launch::scale
