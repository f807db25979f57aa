#pragma once

// Reports a simulation's progress as diagnostics, every five seconds.

#include "kernels/base/clock.hpp"
#include "kernels/base/log.hpp"

#include <cstddef>

namespace eightfold::comm::simulator {

class SimulationProgress {
 public:
  // The progress of a simulation with so many messages between ranks.
  explicit SimulationProgress(std::size_t messages) : messages_(messages) {}

  void count_message() {
    constexpr std::size_t kBetweenLooks = 256;
    if (++sent_ % kBetweenLooks != 0) return;
    const double now_s = base::seconds_since(start_);
    if (now_s < next_s_) return;
    next_s_ = now_s + kPause_s;
    base::log_info("simulation: {} of {} messages after {:.0f} s", sent_, messages_, now_s);
  }

 private:
  static constexpr double kPause_s = 5;

  const std::size_t messages_;
  const base::TimePoint start_ = base::Clock::now();
  std::size_t sent_ = 0;
  double next_s_ = kPause_s;
};

}  // namespace eightfold::comm::simulator
