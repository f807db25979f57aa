#include "runtime/watchdog/phase_timer.hpp"

#include <algorithm>

namespace eightfold::runtime::watchdog {

std::optional<base::Duration> PhaseTimer::overdue(const base::FlightRecord& record, base::TimePoint now) {
  constexpr base::Duration kPause = std::chrono::seconds(1);
  if (now - last_call_ > kPause) since_ += now - last_call_;
  last_call_ = now;
  // A record that was read while the phase changed may hold the one's name and the other's beginning.
  if (record.phase_began_ns != began_ns_ || record.phase != phase_) {
    if (began_ns_ >= 0) learn(now - since_);
    phase_ = record.phase;
    step_ = record.step;
    began_ns_ = record.phase_began_ns;
    since_ = now;
    if (!first_step_ && phase_ != base::Phase::start_up) first_step_ = step_;
  }
  const auto limit = deadline(phase_);
  return limit && now - since_ > *limit ? limit : std::nullopt;
}

std::string_view PhaseTimer::key() const {
  if (phase_ == base::Phase::start_up) return "watchdog.start_up";
  return phase_ == base::Phase::checkpoint ? "watchdog.checkpoint" : "watchdog.deadline";
}

std::optional<base::Duration> PhaseTimer::deadline(base::Phase phase) const {
  if (phase == base::Phase::ended) return std::nullopt;
  const std::chrono::nanoseconds floor = phase == base::Phase::start_up     ? deadlines_.start_up
                                         : phase == base::Phase::checkpoint ? deadlines_.checkpoint
                                                                            : deadlines_.deadline;
  if (floor == floor.zero()) return std::nullopt;
  return std::max<base::Duration>(floor, kMargin * longest_[static_cast<std::size_t>(phase)]);
}

void PhaseTimer::learn(base::Duration lasted) {
  // Counted from the first step of this process: a resumed run does its one-time work again.
  if (!first_step_ || step_ < *first_step_ + kWarmUpSteps) return;
  base::Duration& longest = longest_[static_cast<std::size_t>(phase_)];
  longest = std::max(longest, lasted);
}

}  // namespace eightfold::runtime::watchdog
