#include "runtime/health/watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace eightfold::runtime::health {
namespace {

constexpr double kThreshold = 0.75;
constexpr int kReports = 2;

// The faster of the two in the middle: of two ranks, the slow one is measured by the other.
double median_busy_ms(std::span<const RankReport> reports) {
  std::vector<double> all;
  for (const RankReport& report : reports) all.push_back(report.busy_ms);
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>((all.size() - 1) / 2);
  std::ranges::nth_element(all, middle);
  return *middle;
}

std::string reason_of(const RankReport& report, double median_ms) {
  if (const std::string why = throttling_of(report.gpu); !why.empty())
    return fmt::format("; its GPU is throttled: {}", why);
  if (report.data_wait_ms > (report.busy_ms - median_ms) / 2)
    return fmt::format("; {:.2f} ms of it wait for data", report.data_wait_ms);
  return "";
}

}  // namespace

bool Watch::Lasting::has_changed(bool is_now) {
  contrary_reports_ = is_now == holds_ ? 0 : contrary_reports_ + 1;
  if (contrary_reports_ < kReports) return false;
  contrary_reports_ = 0;
  holds_ = is_now;
  return true;
}

Watch::Watch(std::vector<std::string> names) : names_(std::move(names)), known_(names_.size()) {}

std::vector<std::string> Watch::look_at(std::span<const RankReport> reports) {
  std::vector<std::string> lines;
  if (reports.empty()) return lines;
  const double median_ms = median_busy_ms(reports);
  for (std::size_t rank = 0; rank < std::min(reports.size(), known_.size()); ++rank) {
    const RankReport& report = reports[rank];
    Known& known = known_[rank];
    const std::string throttling = throttling_of(report.gpu);
    if (known.throttled.has_changed(!throttling.empty()))
      lines.push_back(known.throttled.holds()
                          ? fmt::format("{}: the GPU is throttled: {}; {}", names_[rank], throttling,
                                        summary_of(reports.subspan(rank, 1)))
                          : fmt::format("{}: the GPU is no longer throttled", names_[rank]));
    if (known.slow.has_changed(report.busy_ms * kThreshold > median_ms))
      lines.push_back(known.slow.holds()
                          ? fmt::format("{} is a straggler: {:.2f} ms of its own in a step, the median rank "
                                        "{:.2f}{}",
                                        names_[rank], report.busy_ms, median_ms, reason_of(report, median_ms))
                          : fmt::format("{} is no longer a straggler", names_[rank]));
  }
  return lines;
}

}  // namespace eightfold::runtime::health
