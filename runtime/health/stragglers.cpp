#include "runtime/health/stragglers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace eightfold::runtime::health {
namespace {

// NVIDIA's Resiliency Extension draws the line at 0.75; a rank that needs a quarter longer has 0.8.
constexpr double kThreshold = 0.85;
constexpr double kPeriodMs = 250;

// The lower one of the two in the middle.
double median_of_others(std::span<const RankReport> reports, std::size_t rank, double RankReport::*part) {
  std::vector<double> others;
  for (std::size_t other = 0; other < reports.size(); ++other)
    if (other != rank) others.push_back(reports[other].*part);
  const auto middle = others.begin() + static_cast<std::ptrdiff_t>((others.size() - 1) / 2);
  std::ranges::nth_element(others, middle);
  return *middle;
}

std::string reason_of(std::span<const RankReport> reports, std::size_t rank) {
  const RankReport& own = reports[rank];
  if (const std::string why = throttling_of(own.gpu); !why.empty())
    return fmt::format("its GPU is throttled: {}", why);
  const double waits_longer_ms =
      own.data_wait_ms - median_of_others(reports, rank, &RankReport::data_wait_ms);
  const double longer_ms = own.busy_ms - median_of_others(reports, rank, &RankReport::busy_ms);
  return waits_longer_ms > longer_ms / 2 ? fmt::format("it waits for data, {:.2f} ms", own.data_wait_ms)
                                         : "it computes longer";
}

}  // namespace

double pace_score(std::span<const RankReport> reports, std::size_t rank) {
  if (reports.size() < 2 || reports[rank].busy_ms <= 0) return 1;
  return median_of_others(reports, rank, &RankReport::busy_ms) / reports[rank].busy_ms;
}

Stragglers::Stragglers(std::vector<std::string> names)
    : names_(std::move(names)), slow_(names_.size()), period_(names_.size()) {}

std::vector<std::string> Stragglers::look_at(std::span<const RankReport> reports) {
  if (reports.size() != names_.size()) return {};
  add(reports);
  return period_ms_ < kPeriodMs ? std::vector<std::string>{} : judge();
}

void Stragglers::add(std::span<const RankReport> reports) {
  double longest_ms = 0;
  for (std::size_t rank = 0; rank < reports.size(); ++rank) {
    period_[rank].busy_ms += reports[rank].busy_ms;
    period_[rank].data_wait_ms += reports[rank].data_wait_ms;
    period_[rank].gpu = reports[rank].gpu;
    longest_ms = std::max(longest_ms, reports[rank].busy_ms);
  }
  period_ms_ += longest_ms * kPaceSteps;
  ++reports_;
}

std::vector<std::string> Stragglers::judge() {
  for (RankReport& report : period_) {
    report.busy_ms /= reports_;
    report.data_wait_ms /= reports_;
  }
  std::vector<std::string> lines;
  for (std::size_t rank = 0; rank < period_.size(); ++rank) {
    const double score = pace_score(period_, rank);
    if (!slow_[rank].has_changed(score < kThreshold)) continue;
    lines.push_back(
        slow_[rank].holds()
            ? fmt::format("{} is a straggler: {:.2f} ms of its own in a step, {:.2f} of the others' pace; {}",
                          names_[rank], period_[rank].busy_ms, score, reason_of(period_, rank))
            : fmt::format("{} is no longer a straggler", names_[rank]));
  }
  period_.assign(names_.size(), {});
  reports_ = period_ms_ = 0;
  return lines;
}

}  // namespace eightfold::runtime::health
