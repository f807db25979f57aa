#pragma once

// Which ranks hold the others up, judged by what each says of its own part of a step. On rank 0.

#include "runtime/health/rank_report.hpp"
#include "runtime/health/recurrence.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace eightfold::runtime::health {

// Steps from one comparison of the ranks to the next: with two in a row to be sure, a rank is named within 50
// steps of becoming slow, whenever that is.
inline constexpr std::int64_t kPaceSteps = 16;

// How fast a rank is, measured by the others: the median of their own parts of a step over its own. Below 1
// it is slower than they. 1 for a rank alone.
double pace_score(std::span<const RankReport> reports, std::size_t rank);

class Stragglers {
 public:
  // `names`: of the ranks, for the lines.
  explicit Stragglers(std::vector<std::string> names);

  // What has changed with these reports of all ranks over their last kPaceSteps steps, a line each; mostly
  // nothing. A rank whose score is below 0.85 in two periods in a row is a straggler, until it no longer is
  // for as long. A period is as many reports as make a quarter of a second: shorter ones measure the
  // operating system. One that is a straggler again and again gets a line with a count now and then.
  std::vector<std::string> look_at(std::span<const RankReport> reports);
  // The counts that no line has said yet.
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
