#pragma once

// Measures the present phase of a rank against its deadline. Deadlines adapt: five times the longest duration
// of the phase so far, but never less than the job's value.

#include "kernels/base/clock.hpp"
#include "kernels/base/flight_record.hpp"
#include "runtime/config/job.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace eightfold::runtime::watchdog {

class PhaseTimer {
 public:
  // The first steps do not count: they include one-time work.
  static constexpr std::int64_t kWarmUpSteps = 5;
  static constexpr int kMargin = 5;

  explicit PhaseTimer(const config::Watchdog& deadlines) : deadlines_(deadlines) {}

  // Called several times a second with what the record says. Returns the phase's deadline once that has
  // passed. A pause of more than a second between two calls stopped the whole process, not the phase: it does
  // not count.
  std::optional<base::Duration> overdue(const base::FlightRecord& record, base::TimePoint now);
  // The key of the job that says what the deadline of the phase of the last call is at least.
  std::string_view key() const;

 private:
  // Nothing if the phase has no deadline.
  std::optional<base::Duration> deadline(base::Phase phase) const;
  void learn(base::Duration lasted);

  config::Watchdog deadlines_;
  std::array<base::Duration, base::kPhases> longest_{};
  std::optional<std::int64_t> first_step_;
  base::Phase phase_ = base::Phase::start_up;
  std::int64_t step_ = 0;
  std::int64_t began_ns_ = -1;  // of no phase
  base::TimePoint since_, last_call_;
};

}  // namespace eightfold::runtime::watchdog
