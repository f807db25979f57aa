#pragma once

// Takes the spans of a worker's steps apart for `bench step`: medians of the phases, when each bucket was
// ready, how long the exchange takes when nothing else is done.

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
    // By layer, of a worker that times them.
    std::map<std::int64_t, double> forward_s, backward_s;

    double compute_s() const { return step_s - exposed_s - data_wait_s; }
    // The least a step can take when all buckets together need `exchange_s`: it computes everything, and
    // when a bucket is ready, the exchange of it and of all behind it is still to go, then the last update.
    // `elements` by bucket: each takes its share of the time.
    double bound_s(double exchange_s, std::span<const std::int64_t> elements) const;
  };

  void on_span(const base::Span& span) noexcept override;
  void reset();
  Medians medians() const;
  // The median over rounds of `buckets` exchanges, from the first one's begin to the last one's end. The
  // rounds do not overlap. 0 without any.
  double exchange_s(std::size_t buckets) const;
  // All encoding and decoding so far.
  double codec_s() const;

 private:
  mutable std::mutex mutex_;
  std::vector<base::Span> spans_;
};

}  // namespace eightfold::launch::bench
