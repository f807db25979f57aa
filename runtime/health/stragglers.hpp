#pragma once

// Finds the ranks that delay the others, by the times of their own parts of a step. On rank 0.

#include "runtime/health/rank_report.hpp"
#include "runtime/health/recurrence.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace eightfold::runtime::health {

// Steps from one comparison of the ranks to the next. Two comparisons in a row must agree, so a rank is named
// within 50 steps of becoming slow at any time.
inline constexpr std::int64_t kPaceSteps = 16;

// The speed of a rank relative to the others: the median time of their own parts of a step over that of its
// own. Below 1 it is slower. 1 for a rank alone.
double pace_score(std::span<const RankReport> reports, std::size_t rank);

class Stragglers {
 public:
  // `names`: of the ranks, for the lines.
  explicit Stragglers(std::vector<std::string> names);

  // Takes the reports of all ranks over their last kPaceSteps steps; returns a line for each change, mostly
  // none. A rank whose score is below 0.85 in two periods in a row is a straggler, until it no longer is
  // for as long. A period is as many reports as make a quarter of a second: shorter ones measure the
  // operating system. One that is a straggler again and again gets a line with a count now and then.
  std::vector<std::string> look_at(std::span<const RankReport> reports);
  // A line for each count that has not been logged.
  std::vector<std::string> finish();

 private:
  void add(std::span<const RankReport> reports);
  std::vector<std::string> judge();
  std::string line(std::size_t rank, Recurrence::News news) const;

  std::vector<std::string> names_;
  std::vector<Recurrence> slow_;    // by rank
  std::vector<RankReport> period_;  // by rank: sums over the reports of the period, the newest GPU
  std::vector<RankReport> judged_;  // means of the last period
  double reports_ = 0;              // in the period
  double period_ms_ = 0;
};

}  // namespace eightfold::runtime::health
