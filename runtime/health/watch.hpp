#pragma once

// Which ranks hold the others up: those that need longer for a step than the rest, and those whose GPU is
// throttled. On rank 0.

#include "runtime/health/rank_report.hpp"

namespace eightfold::runtime::health {

class Watch {
 public:
  // `names`: of the ranks, for the lines.
  explicit Watch(std::vector<std::string> names);

  // What has changed with these reports of all ranks, a line each; mostly nothing.
  //
  // A straggler is a rank whose own share of a step is longer than 1/0.75 of the median rank's, in two
  // reports in a row: one slow interval is noise. 0.75 is also where NVIDIA's Resiliency Extension draws the
  // line.
  std::vector<std::string> look_at(std::span<const RankReport> reports);

 private:
  struct Known {
    int slow_reports = 0;
    std::string throttling;
  };

  std::vector<std::string> names_;
  std::vector<Known> known_;
};

}  // namespace eightfold::runtime::health
