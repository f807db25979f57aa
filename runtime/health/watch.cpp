#include "runtime/health/watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace eightfold::runtime::health {

Watch::Watch(std::vector<std::string> names) : names_(std::move(names)), throttled_(names_.size()) {}

std::vector<std::string> Watch::look_at(std::span<const RankReport> reports) {
  std::vector<std::string> lines;
  for (std::size_t rank = 0; rank < std::min(reports.size(), names_.size()); ++rank) {
    const std::string throttling = throttling_of(reports[rank].gpu);
    switch (throttled_[rank].look(!throttling.empty())) {
      case Recurrence::News::none:
        break;
      case Recurrence::News::begun:
        lines.push_back(fmt::format("{}: the GPU is throttled: {}; {}", names_[rank], throttling,
                                    summary_of(reports.subspan(rank, 1))));
        break;
      case Recurrence::News::over:
        lines.push_back(fmt::format("{}: the GPU is no longer throttled", names_[rank]));
        break;
      case Recurrence::News::counted:
        lines.push_back(counted_line(rank));
        break;
    }
  }
  return lines;
}

std::vector<std::string> Watch::finish() {
  std::vector<std::string> lines;
  for (std::size_t rank = 0; rank < names_.size(); ++rank)
    if (throttled_[rank].finish() != Recurrence::News::none) lines.push_back(counted_line(rank));
  return lines;
}

std::string Watch::counted_line(std::size_t rank) const {
  return fmt::format("{}: the GPU was throttled {}, and is {}now", names_[rank],
                     counted_times(throttled_[rank].count()), throttled_[rank].holds() ? "" : "not ");
}

}  // namespace eightfold::runtime::health
