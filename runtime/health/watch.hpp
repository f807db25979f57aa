#pragma once

// Which ranks' GPUs are throttled. On rank 0.

#include "runtime/health/rank_report.hpp"
#include "runtime/health/recurrence.hpp"

namespace eightfold::runtime::health {

class Watch {
 public:
  // `names`: of the ranks, for the lines.
  explicit Watch(std::vector<std::string> names);

  // What has changed with these reports of all ranks, a line each; mostly nothing. What lasts for two reports
  // counts: a GPU at its power limit is throttled every other moment. What comes again and again gets a line
  // with a count now and then.
  std::vector<std::string> look_at(std::span<const RankReport> reports);
  // The counts that no line has said yet.
  std::vector<std::string> finish();
  const std::vector<std::string>& names() const noexcept { return names_; }

 private:
  std::string counted_line(std::size_t rank) const;

  std::vector<std::string> names_;
  std::vector<Recurrence> throttled_;  // by rank
};

}  // namespace eightfold::runtime::health
