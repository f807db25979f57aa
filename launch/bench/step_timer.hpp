#pragma once

// Collects the spans of a worker's steps for `bench step`. It gives medians of the phases, of the times at
// which buckets are ready, and of an exchange while nothing is computed.

#include "kernels/base/observer.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <vector>

namespace eightfold::launch::bench {

class StepTimer final : public base::Observer {
 public:
  // Seconds; the time of a step is split into compute, waiting for the exchange and waiting for data.
  struct Medians {
    double step_s = 0;
    double exposed_s = 0;
    double data_wait_s = 0;
    double last_update_s = 0;     // of the weights whose gradients come last
    double codec_s = 0;           // encoding and decoding, beside or while waiting
    double update_s = 0;          // of all weights
    std::vector<double> ready_s;  // by bucket: since the step began
    // By layer, if the worker times its layers.
    std::map<std::int64_t, double> forward_s, backward_s;

    double compute_s() const { return step_s - exposed_s - data_wait_s; }
    // Lower bound of a step, given that the exchange of all buckets takes `exchange_s`. The step computes
    // everything. From the moment a bucket is ready, its own exchange, that of all later buckets and the last
    // update are still to come. `elements`, by bucket, divide the time of the exchange.
    double bound_s(double exchange_s, std::span<const std::int64_t> elements) const;
  };

  void on_span(const base::Span& span) noexcept override;
  void reset();
  Medians medians() const;
  // The median time of a round, from the begin of its first exchange to the end of its last. A round has
  // `buckets` exchanges, and rounds do not overlap. 0 without rounds.
  double exchange_s(std::size_t buckets) const;
  // The sum of all encoding and decoding so far.
  double codec_s() const;

 private:
  mutable std::mutex mutex_;
  std::vector<base::Span> spans_;
};

}  // namespace eightfold::launch::bench
