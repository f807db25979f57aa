#pragma once

// Takes the spans of a worker's steps apart for `bench step`: medians of the phases, when each bucket was
// ready, how long its exchange took.

#include "kernels/base/observer.hpp"

#include <map>
#include <mutex>
#include <vector>

namespace eightfold::launch {

class StepTimer final : public base::Observer {
 public:
  // Seconds; the time of a step is split into compute, waiting for the exchange and waiting for data.
  struct Medians {
    double step_s = 0;
    double exposed_s = 0;
    double data_wait_s = 0;
    double update_s = 0;
    std::vector<double> ready_s;  // by bucket: since the step began

    double compute_s() const { return step_s - exposed_s - data_wait_s; }
    // The least a step can take: it computes everything, and after bucket k is ready, the wire time of k and
    // of all buckets behind it is still to go, and then the update.
    double bound_s(const std::vector<double>& wire_s) const;
  };

  void on_span(const base::Span& span) noexcept override;
  void reset();
  Medians medians() const;
  // The median duration of each bucket's exchange.
  std::vector<double> wire_s(std::size_t buckets) const;

 private:
  mutable std::mutex mutex_;
  std::vector<base::Span> spans_;
};

}  // namespace eightfold::launch
