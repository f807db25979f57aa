#pragma once

// Where the time of the worker goes, summed from the spans it reports.

#include "kernels/base/observer.hpp"
#include "runtime/spans.hpp"

#include <atomic>
#include <cstdint>

namespace eightfold::runtime::telemetry {

struct Phases {
  std::int64_t steps = 0;
  double step_s = 0;
  double data_wait_s = 0;
  double exposed_s = 0;  // exposed communication

  double compute_s() const { return step_s - data_wait_s - exposed_s; }
};

// Sums spans since the last take(). Spans may come from any thread.
class PhaseClock {
 public:
  void add(const base::Span& span) noexcept {
    const auto nanoseconds = std::chrono::nanoseconds(span.end - span.begin).count();
    if (span.name == kStepSpan) {
      step_ += nanoseconds;
      ++steps_;
    } else if (span.name == kDataWaitSpan) {
      data_wait_ += nanoseconds;
    } else if (span.name == kExposedSpan) {
      exposed_ += nanoseconds;
    }
  }
  Phases take() noexcept {
    const auto taken_s = [](std::atomic<std::int64_t>& sum) {
      return 1e-9 * static_cast<double>(sum.exchange(0));
    };
    return {steps_.exchange(0), taken_s(step_), taken_s(data_wait_), taken_s(exposed_)};
  }

 private:
  std::atomic<std::int64_t> steps_{0}, step_{0}, data_wait_{0}, exposed_{0};
};

}  // namespace eightfold::runtime::telemetry
