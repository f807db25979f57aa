#include "runtime/run/worker.hpp"

#include "kernels/base/flight_record.hpp"
#include "kernels/base/log.hpp"
#include "kernels/elementwise.hpp"
#include "runtime/telemetry/spans.hpp"

#include <utility>

namespace eightfold::runtime::run {
namespace {

data::LoaderJob training_data(const Session& session, std::int64_t first_step, std::int64_t end_step) {
  const data::Split& data = session.data();
  return {
      data.train,           session.plan(), data::SampleOrder(session.config().job.seed, data.train->size()),
      session.place().rank, first_step,     end_step};
}

}  // namespace

Worker::Worker(Session& session, comm::Exchange& exchange, base::Observer& observer, std::int64_t first_step,
               std::int64_t end_step)
    : session_(session),
      stream_(session.stream()),
      timeline_(stream_, observer, base::Track::worker),
      loader_(training_data(session, first_step, end_step), session.place().device, &observer),
      exchange_(exchange),
      totals_(session.place().device, 2),
      totals_before_(session.place().device, 2),
      totals_host_(session.place().device, 2),
      step_(first_step) {}

Worker::~Worker() {
  try {
    stream_.synchronize();
  } catch (const std::exception& error) {  // a destructor has nobody to tell
    base::log_error("training ended with work under way: {}", error.what());
  }
}

std::int64_t Worker::step() {
  timeline_.span(telemetry::kStepSpan, step_, [&] { enqueue_step(); });
  timeline_.report();
  return step_++;
}

void Worker::enqueue_step() {
  const data::Batch batch = session_.plan().batch(step_);
  const std::int64_t passes = session_.plan().passes(batch);
  submitted_ = 0;
  samples_ += batch.samples;
  if (session_.guard().is_on()) kernels::copy(stream_, totals_.tensor(), totals_before_.tensor());
  session_.model().begin_step(stream_);
  for (std::int64_t index = 0; index < passes; ++index) run_pass(batch, index, passes);
  submit_complete(session_.model().gradients().elements());  // without overlap: all of them
  base::flight_recorder().begin_phase(base::Phase::exchange, step_);
  learning_rate_ = optim::learning_rate(session_.config().schedule, session_.config().optimizer.learning_rate,
                                        session_.length(), step_);
  // A format without a zero makes numbers of the zeros behind each tensor.
  const bool clears_padding = !quant8::preserves_zero(session_.config().exchange.codec);
  const bool is_alone = session_.place().ranks == 1;  // and waits for nothing
  const bool needs_all = session_.optimizer().needs_all_gradients() || session_.guard().is_on();
  if (is_alone || clears_padding || needs_all)
    update_at_once(clears_padding);
  else
    update_by_bucket();
}

void Worker::update_at_once(bool clears_padding) {
  timeline_.span(telemetry::kExposedSpan, step_, [&] { exchange_.wait(stream_); });
  if (clears_padding) session_.model().clear_padding(stream_);
  timeline_.span(telemetry::kUpdateSpan, step_, [&] { update_if_admitted(); });
}

void Worker::update_if_admitted() {
  optim::Guard& guard = session_.guard();
  if (!guard.is_on() || guard.admits(stream_, session_.model().gradients(), step_))
    return session_.optimizer().step(stream_, learning_rate_, step_ + 1);
  // Its loss may be as wrong as its gradient.
  kernels::copy(stream_, totals_before_.tensor(), totals_.tensor());
  samples_ -= session_.plan().batch(step_).samples;
}

// The weights of a bucket are updated while those behind it are still on their way.
void Worker::update_by_bucket() {
  for (const model::ArenaSpan& bucket : session_.buckets()) {
    timeline_.span(telemetry::kExposedSpan, step_, [&] { exchange_.wait_for_next(stream_); });
    timeline_.span(telemetry::kUpdateSpan, step_,
                   [&] { session_.optimizer().step(stream_, learning_rate_, step_ + 1, bucket); });
  }
}

// The gradient of a step is the mean over the samples of its batch, whatever ranks and passes computed them:
// each pass adds the gradients of its own samples, weighted by one over the samples of all.
void Worker::run_pass(const data::Batch& batch, std::int64_t index, std::int64_t passes) {
  const data::Pass& loaded = next_pass();
  model::Model& model = session_.model();
  const kernels::ConstTensor labels =
      session_.feed().load(stream_, loaded.images, loaded.labels, model.input());
  const model::Pass pass{model::Phase::training,
                         static_cast<std::uint64_t>(session_.config().job.seed),
                         step_,
                         loaded.first,
                         loaded.samples,
                         index == 0 ? kernels::GradientMode::overwrite : kernels::GradientMode::accumulate};
  const bool submits = index == passes - 1 && session_.config().exchange.overlap;
  model.train(
      stream_, pass, labels, 1.0F / static_cast<float>(batch.samples), totals_.tensor(),
      [&](std::int64_t end) {
        if (submits) submit_complete(end);
      },
      times_layers_ ? &timeline_ : nullptr);
  loader_.release(loaded, stream_);
}

const data::Pass& Worker::next_pass() {
  const data::Pass* loaded = nullptr;
  base::flight_recorder().begin_phase(base::Phase::data, step_);
  timeline_.span(telemetry::kDataWaitSpan, step_, [&] { loaded = &loader_.next(); });
  base::flight_recorder().begin_phase(base::Phase::forward, step_);
  return *loaded;
}

void Worker::submit_complete(std::int64_t end) {
  const std::vector<model::ArenaSpan>& buckets = session_.buckets();
  for (; submitted_ < buckets.size() && buckets[submitted_].end <= end; ++submitted_) {
    timeline_.point(telemetry::kSubmitSpan, static_cast<std::int64_t>(submitted_));
    exchange_.submit(submitted_, step_, stream_);
  }
}

Worker::Totals Worker::take_totals() {
  const kernels::Tensor host = totals_host_.tensor(totals_.tensor().shape());
  kernels::copy(stream_, totals_.tensor(), host);
  timeline_.synchronize();
  const Totals totals{totals_host_.data()[0], totals_host_.data()[1], std::exchange(samples_, 0)};
  totals_host_.data()[0] = totals_host_.data()[1] = 0;
  kernels::copy(stream_, host, totals_.tensor());
  return totals;
}

}  // namespace eightfold::runtime::run
