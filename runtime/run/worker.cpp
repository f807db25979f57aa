#include "runtime/run/worker.hpp"

#include "kernels/base/log.hpp"
#include "kernels/elementwise.hpp"
#include "runtime/telemetry/spans.hpp"

#include <utility>

namespace eightfold::runtime::run {
Worker::Worker(StepPlan plan, comm::GradientExchange& exchange, base::Observer& observer,
               base::FlightRecorder& recorder)
    : plan_(std::move(plan)),
      timeline_(plan_.stream, observer, base::Track::worker),
      loader_(plan_.samples, plan_.stream.device(), &observer),
      exchange_(exchange),
      recorder_(recorder),
      totals_(plan_.stream.device(), 2),
      totals_before_(plan_.stream.device(), 2),
      totals_host_(plan_.stream.device(), 2),
      step_(plan_.samples.first_step) {}

Worker::~Worker() {
  // The device may still read buffers that the members own.
  try {
    plan_.stream.synchronize();
  } catch (const std::exception& error) {  // a destructor has nobody to tell
    base::log_error("training ended with work under way: {}", error.what());
  }
}

std::int64_t Worker::step() {
  timeline_.span(telemetry::kStepSpan, step_, [&] { enqueue_step(); });
  timeline_.report();
  return step_++;
}

// One training step. On a GPU all of it only enqueues work: the host runs ahead of the device, and streams
// wait for each other by events. A guard is the exception, because its decision needs the norm on the host.
void Worker::enqueue_step() {
  const data::BatchPlan& batches = plan_.samples.plan;
  const data::Batch batch = batches.batch(step_);
  const std::int64_t passes = batches.passes(batch);
  submitted_ = 0;
  samples_ += batch.samples;
  if (plan_.guard.is_on()) kernels::copy(plan_.stream, totals_.tensor(), totals_before_.tensor());
  plan_.model.begin_step(plan_.stream);
  for (std::int64_t index = 0; index < passes; ++index) run_pass(batch, index, passes);
  submit_complete(plan_.model.gradients().elements());  // without overlap: all of them
  recorder_.begin_phase(base::Phase::exchange, step_);
  learning_rate_ = plan_.learning_rate(step_);
  plan_.update == Update::at_once ? update_at_once() : update_by_bucket();
}

void Worker::update_at_once() {
  timeline_.span(telemetry::kExposedSpan, step_, [&] { exchange_.wait(plan_.stream); });
  if (plan_.clears_padding) plan_.model.clear_padding(plan_.stream);
  timeline_.span(telemetry::kUpdateSpan, step_, [&] { update_if_admitted(); });
}

void Worker::update_if_admitted() {
  if (!plan_.guard.is_on() || plan_.guard.admits(plan_.stream, plan_.model.gradients(), step_))
    return plan_.optimizer.step(plan_.stream, learning_rate_, step_ + 1);
  // Its loss may be as wrong as its gradient.
  kernels::copy(plan_.stream, totals_before_.tensor(), totals_.tensor());
  samples_ -= plan_.samples.plan.batch(step_).samples;
}

// The weights of a bucket are updated while those behind it are still on their way.
void Worker::update_by_bucket() {
  for (const model::ArenaSpan& bucket : plan_.buckets) {
    timeline_.span(telemetry::kExposedSpan, step_, [&] { exchange_.wait_for_next(plan_.stream); });
    timeline_.span(telemetry::kUpdateSpan, step_,
                   [&] { plan_.optimizer.step(plan_.stream, learning_rate_, step_ + 1, bucket); });
  }
}

// The gradient of a step is the mean over the samples of its batch, whatever ranks and passes computed them:
// each pass adds the gradients of its own samples, weighted by one over the samples of all.
void Worker::run_pass(const data::Batch& batch, std::int64_t index, std::int64_t passes) {
  const data::MicroBatch& loaded = next_micro_batch();
  const kernels::ConstTensor labels =
      plan_.input_stage.load(plan_.stream, loaded.images, loaded.labels, plan_.model.input());
  const model::layers::PassContext pass{
      model::layers::Phase::training,
      plan_.seed,
      step_,
      loaded.first,
      loaded.samples,
      index == 0 ? kernels::GradientMode::overwrite : kernels::GradientMode::accumulate};
  const bool submits = index == passes - 1 && plan_.overlaps;
  plan_.model.train(
      plan_.stream, pass, labels, 1.0F / static_cast<float>(batch.samples), totals_.tensor(),
      [&](std::int64_t end) {
        if (submits) submit_complete(end);
      },
      times_layers_ ? &timeline_ : nullptr);
  loader_.release(loaded, plan_.stream);
}

const data::MicroBatch& Worker::next_micro_batch() {
  const data::MicroBatch* loaded = nullptr;
  recorder_.begin_phase(base::Phase::data, step_);
  timeline_.span(telemetry::kDataWaitSpan, step_, [&] { loaded = &loader_.next(); });
  recorder_.begin_phase(base::Phase::forward, step_);
  return *loaded;
}

// Complete gradients are a prefix of the arena, so buckets complete one after the other. All ranks submit in
// this order, which lets their messages meet.
void Worker::submit_complete(std::int64_t end) {
  for (; submitted_ < plan_.buckets.size() && plan_.buckets[submitted_].end <= end; ++submitted_) {
    timeline_.point(telemetry::kSubmitSpan, static_cast<std::int64_t>(submitted_));
    exchange_.submit(submitted_, step_, plan_.stream);
  }
}

Worker::Metrics Worker::read_metrics() {
  const kernels::Tensor host = totals_host_.tensor(totals_.tensor().shape());
  kernels::copy(plan_.stream, totals_.tensor(), host);
  timeline_.synchronize();
  const Metrics metrics{totals_host_.data()[0], totals_host_.data()[1], std::exchange(samples_, 0)};
  // The copy of these zeros may be under way on return. The stream puts the next read's copy behind it.
  totals_host_.data()[0] = totals_host_.data()[1] = 0;
  kernels::copy(plan_.stream, host, totals_.tensor());
  return metrics;
}

}  // namespace eightfold::runtime::run
