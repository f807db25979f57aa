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
    Lasting& throttled = throttled_[rank];
    if (!throttled.has_changed(!throttling.empty())) continue;
    lines.push_back(throttled.holds() ? fmt::format("{}: the GPU is throttled: {}; {}", names_[rank],
                                                    throttling, summary_of(reports.subspan(rank, 1)))
                                      : fmt::format("{}: the GPU is no longer throttled", names_[rank]));
  }
  return lines;
}

}  // namespace eightfold::runtime::health
