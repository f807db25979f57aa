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
  judged_ = std::exchange(period_, std::vector<RankReport>(names_.size()));
  reports_ = period_ms_ = 0;
  std::vector<std::string> lines;
  for (std::size_t rank = 0; rank < judged_.size(); ++rank) {
    const Recurrence::News news = slow_[rank].look(pace_score(judged_, rank) < kThreshold);
    if (news != Recurrence::News::none) lines.push_back(line(rank, news));
  }
  return lines;
}

std::vector<std::string> Stragglers::finish() {
  std::vector<std::string> lines;
  for (std::size_t rank = 0; rank < judged_.size(); ++rank)
    if (const Recurrence::News news = slow_[rank].finish(); news != Recurrence::News::none)
      lines.push_back(line(rank, news));
  return lines;
}

std::string Stragglers::line(std::size_t rank, Recurrence::News news) const {
  const std::string facts =
      fmt::format("{:.2f} ms of its own in a step, {:.2f} of the others' pace; {}", judged_[rank].busy_ms,
                  pace_score(judged_, rank), reason_of(judged_, rank));
  if (news == Recurrence::News::begun) return fmt::format("{} is a straggler: {}", names_[rank], facts);
  if (news == Recurrence::News::over) return fmt::format("{} is no longer a straggler", names_[rank]);
  const std::string times = counted_times(slow_[rank].count());
  return slow_[rank].holds()
             ? fmt::format("{} was a straggler {}, and is one now: {}", names_[rank], times, facts)
             : fmt::format("{} was a straggler {}, and is none now", names_[rank], times);
}

}  // namespace eightfold::runtime::health
