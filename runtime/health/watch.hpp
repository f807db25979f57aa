#pragma once

// Finds the ranks whose GPUs are throttled. On rank 0.

#include "runtime/health/rank_report.hpp"
#include "runtime/health/recurrence.hpp"

namespace eightfold::runtime::health {

class Watch {
 public:
  // `names`: of the ranks, for the lines.
  explicit Watch(std::vector<std::string> names);

  // Takes the reports of all ranks; returns a line for each change, mostly none. Throttling counts if it
  // lasts for two reports: a GPU at its power limit is throttled every other moment. Repeated throttling gets
  // a line with a count now and then.
  std::vector<std::string> look_at(std::span<const RankReport> reports);
  // A line for each count that has not been logged.
  std::vector<std::string> finish();
  const std::vector<std::string>& names() const noexcept { return names_; }

 private:
  std::string counted_line(std::size_t rank) const;

  std::vector<std::string> names_;
  std::vector<Recurrence> throttled_;  // by rank
};

}  // namespace eightfold::runtime::health
