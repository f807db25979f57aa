#pragma once

// Which ranks' GPUs are throttled. On rank 0.

#include "runtime/health/lasting.hpp"
#include "runtime/health/rank_report.hpp"

namespace eightfold::runtime::health {

class Watch {
 public:
  // `names`: of the ranks, for the lines.
  explicit Watch(std::vector<std::string> names);

  // What has changed with these reports of all ranks, a line each; mostly nothing. What lasts for two reports
  // counts: a GPU at its power limit is throttled every other moment.
  std::vector<std::string> look_at(std::span<const RankReport> reports);
  const std::vector<std::string>& names() const noexcept { return names_; }

 private:
  std::vector<std::string> names_;
  std::vector<Lasting> throttled_;  // by rank
};

}  // namespace eightfold::runtime::health
