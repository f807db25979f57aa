#pragma once

// One optimizer step after the other, as every rank runs it: load, forward, backward, exchange, update.

#include "comm/gradient_exchange.hpp"
#include "kernels/base/flight_record.hpp"
#include "kernels/base/observer.hpp"
#include "kernels/buffer.hpp"
#include "kernels/timeline.hpp"
#include "runtime/data/loader.hpp"
#include "runtime/run/step_plan.hpp"

#include <cstddef>

namespace eightfold::runtime::run {

class Worker {
 public:
  // Does the steps of the plan; their buckets go through `exchange`. All that the plan refers to and the
  // other arguments outlive this.
  Worker(StepPlan plan, comm::GradientExchange& exchange, base::Observer& observer,
         base::FlightRecorder& recorder);
  // Waits for the device: it uses what goes with this.
  ~Worker();
  Worker(const Worker&) = delete;  // its loader has a thread
  Worker& operator=(const Worker&) = delete;

  // Runs the next step and returns its number. Every rank calls it as often, in the same order. On a device
  // it enqueues the step, and returns while up to kSlots passes of the loader are still to be computed.
  std::int64_t step();
  // From now on every layer's part of a step is a span, too.
  void time_layers() noexcept { times_layers_ = true; }
  // Waits until the device has done all steps so far, and reports their spans.
  void synchronize() { timeline_.synchronize(); }
  // Losses and correct predictions of this rank's samples since the last call, in steps that were taken: the
  // guard (runtime/optim/guard.hpp) may skip one. Waits for the device.
  struct Metrics {
    double loss_sum = 0;
    double correct = 0;
    std::int64_t samples = 0;  // of all ranks
  };
  Metrics read_metrics();

  double learning_rate() const noexcept { return learning_rate_; }

 private:
  void enqueue_step();
  const data::MicroBatch& next_micro_batch();
  void run_pass(const data::Batch& batch, std::int64_t index, std::int64_t passes);
  void submit_complete(std::int64_t end);
  void update_at_once();
  void update_if_admitted();
  void update_by_bucket();

  const StepPlan plan_;
  kernels::Timeline timeline_;
  data::Loader loader_;
  comm::GradientExchange& exchange_;
  base::FlightRecorder& recorder_;
  kernels::Buffer<double> totals_;
  kernels::Buffer<double> totals_before_;  // this step; kept where a guard may skip it
  kernels::PinnedBuffer<double> totals_host_;
  std::int64_t step_;
  std::int64_t samples_ = 0;   // of all ranks, in the steps of totals_
  std::size_t submitted_ = 0;  // buckets of this step
  double learning_rate_ = 0;
  bool times_layers_ = false;
};

}  // namespace eightfold::runtime::run
