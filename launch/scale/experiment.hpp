#pragma once

// What `eightfold scale run` starts: the points of an experiment, their order, and what is run for each.

#include "runtime/config/job.hpp"
#include "runtime/scale/measurement.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace eightfold::launch::scale {

// What is varied: every combination is a point, each once.
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

// One start of the launcher.
struct PointStart {
  runtime::scale::Point point;
  int repeat = 0;  // from 0
};

// All points once, then all of them again: what disturbs the machine for a while disturbs all of them.
std::vector<PointStart> starts_of(const std::vector<runtime::scale::Point>& points, int repeats);

// What is the same for all points.
struct ExperimentBench {
  std::string program, job, json;  // paths
  std::vector<std::string> overrides;
  std::int64_t steps = 50, warmup = 10;
};

// `eightfold bench step` of a point, without its launcher.
std::vector<std::string> bench_command(const ExperimentBench& bench, const runtime::scale::Point& point);

// What makes measurements of one point comparable, to read and to compare: the name of the job, the length of
// a bench, the launcher, and a hash of the job apart from what a point decides, and of the launcher's
// arguments.
std::string experiment_name(runtime::config::JobConfig job, const ExperimentBench& bench,
                            const std::string& launcher, const std::vector<std::string>& launcher_arguments);

// "2 nodes x 1, dynamic-tree8 by two_shot, weak, 256 samples"; "1 rank, no exchange, weak, 128 samples"
std::string describe(const runtime::scale::Point& point);

}  // namespace eightfold::launch::scale
