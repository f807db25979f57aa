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
  // What lasts for two reports in a row counts, as begun or as over: one slow interval is noise, and a GPU at
  // its power limit is throttled every other moment. A straggler is a rank whose own share of a step is
  // longer than 1/0.75 of the median rank's: 0.75 is also where NVIDIA's Resiliency Extension draws the line.
  std::vector<std::string> look_at(std::span<const RankReport> reports);

 private:
  // Whether something is the case, as far as it lasts.
  class Lasting {
   public:
    // Whether that has changed.
    bool has_changed(bool is_now);
    bool holds() const { return holds_; }

   private:
    bool holds_ = false;
    int contrary_reports_ = 0;
  };
  struct Known {
    Lasting slow, throttled;
  };

  std::vector<std::string> names_;
  std::vector<Known> known_;
};

}  // namespace eightfold::runtime::health
