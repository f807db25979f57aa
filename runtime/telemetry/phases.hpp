#pragma once

// The times of a rank's phases, summed from the spans that its worker and its exchange report.

#include "kernels/base/observer.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

namespace eightfold::runtime::telemetry {

struct Phases {
  std::int64_t steps = 0;
  double step_s = 0;
  double data_wait_s = 0;
  double exposed_s = 0;   // exposed communication
  double exchange_s = 0;  // the time in which one bucket at least was in exchange, behind computing or not
  double encode_s = 0;    // of it
  double decode_s = 0;    // of it

  double compute_s() const { return step_s - data_wait_s - exposed_s; }
  // The exchange without the codec's work: messages, and waiting for those of others.
  double wire_s() const { return std::max(0.0, exchange_s - encode_s - decode_s); }
  // The part of the exchange that no step waited for, 0 to 1.
  double hidden() const { return exchange_s > 0 ? std::max(0.0, 1 - exposed_s / exchange_s) : 0; }

  Phases& operator+=(const Phases& more);
};

// The time that spans cover together. They may overlap, and come in the order of their ends.
class CoveredTime {
 public:
  void add(base::TimePoint begin, base::TimePoint end);
  double seconds() const { return base::seconds(total_); }

 private:
  struct Part {
    base::TimePoint begin, end;
  };
  std::vector<Part> parts_;  // apart from each other, ascending
  base::Duration total_{};
};

// Sums spans since the last take(). Spans may come from any thread.
class PhaseClock {
 public:
  void add(const base::Span& span) noexcept;
  Phases take() noexcept;

 private:
  std::mutex mutex_;
  Phases sums_;
  CoveredTime exchange_;
};

}  // namespace eightfold::runtime::telemetry
