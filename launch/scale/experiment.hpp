#pragma once

// The experiment of `eightfold scale run`: its points, their order, and the command line of each.

#include "runtime/config/job.hpp"
#include "runtime/scale/measurement.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace eightfold::launch::scale {

// The varied parameters: every combination is a point, each once.
struct ExperimentAxes {
  std::vector<int> nodes;
  std::vector<int> ranks_per_node;
  std::vector<std::string> codecs;  // "none": without an exchange, whatever the algorithms; so is one rank
  std::vector<std::string> algorithms;  // as in exchange.algorithm
  std::vector<runtime::scale::BatchPolicy> policies;
  std::int64_t strong_batch = 1;  // of all ranks
  std::int64_t weak_batch = 1;    // of each rank
};

std::vector<runtime::scale::Point> points_of(const ExperimentAxes& axes);

// One start of the launcher for a point.
struct PointStart {
  runtime::scale::Point point;
  int repeat = 0;  // from 0
};

// All points once, then all of them again, so that what disturbs the machine for a while disturbs all points.
std::vector<PointStart> starts_of(const std::vector<runtime::scale::Point>& points, int repeats);

// The parameters that all points share.
struct ExperimentBench {
  std::string program, job, json;  // paths
  std::vector<std::string> overrides;
  std::int64_t steps = 50, warmup = 10;
};

// `eightfold bench step` of a point, without its launcher.
std::vector<std::string> bench_command(const ExperimentBench& bench, const runtime::scale::Point& point);

// Identifies an experiment: only measurements with the same name are comparable. The name holds the job's
// name, the steps, the launcher, and a hash. The hash is of the launcher's arguments and of the job without
// the parameters of a point.
std::string experiment_name(runtime::config::JobConfig job, const ExperimentBench& bench,
                            const std::string& launcher, const std::vector<std::string>& launcher_arguments);

// "2 nodes x 1, dynamic-tree8 by two_shot, weak, 256 samples"; "1 rank, no exchange, weak, 128 samples"
std::string describe(const runtime::scale::Point& point);

}  // namespace eightfold::launch::scale
