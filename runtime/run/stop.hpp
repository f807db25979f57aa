#pragma once

// The end of a run before its last step. A request may come on any rank. All ranks agree on the step after
// which they stop, write a checkpoint, and exit with code 75.

#include "comm/engine/async_max.hpp"
#include "kernels/device.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace eightfold::runtime::run {

// In the order in which one is named where ranks have several.
enum class StopReason : std::uint32_t {
  none,
  time_limit,
  user_signal,
  processor_limit,
  hang_up,
  quit,
  interrupt,
  terminate
};

// "SIGUSR1", "the time limit", ...
std::string_view to_string(StopReason reason);
// The reason that belongs to a signal: SIGUSR1 or one of base::kEndSignals.
StopReason reason_of(int signal);

// A rank's wish to stop. request() may be called by any thread, and by a signal handler.
class StopRequest {
 public:
  void request(StopReason reason) noexcept;
  StopReason reason() const noexcept { return reason_.load(std::memory_order_relaxed); }

 private:
  std::atomic<StopReason> reason_{StopReason::none};
};

// The time at which Slurm ends the job: SLURM_JOB_END_TIME, in seconds since 1970. Nothing if that variable
// is not set or no number.
std::optional<std::chrono::system_clock::time_point> slurm_end_time();

// A rank's part in the agreement, once a step. The worker's thread calls; what it says is the same on every
// rank.
class StopAgreement {
 public:
  using Time = std::chrono::system_clock::time_point;

  // Asks to stop by itself when less than a minute and what stopping takes is left until `end`. All outlive
  // this.
  StopAgreement(comm::engine::Engine& engine, kernels::Device device, StopRequest& request,
                std::optional<Time> end);

  // Before each step, if stopping takes so long.
  void ask(std::chrono::duration<double> stopping);
  // After it: why all ranks stop now, or none. On a device it is the answer to what was asked some steps
  // before: the worker is ahead of the exchange.
  StopReason answer();

 private:
  StopRequest& request_;
  const std::optional<Time> end_;
  const std::size_t lag_;  // steps
  const bool is_alone_;
  comm::engine::AsyncMax maximum_;
};

}  // namespace eightfold::runtime::run
