// The first step of a job, whatever ranks and passes compute it: the same samples, the same gradient.
#include "runtime/run/worker.hpp"

#include "comm/mpi/agreed_error.hpp"
#include "runtime/config/names.hpp"
#include "runtime/job/parse.hpp"
#include "runtime/run/exchange.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace eightfold;
using namespace eightfold::runtime;
using test::world;

namespace {

// A gradient summed in another order rounds differently; RMSProp would amplify that, so it is looked at
// before.
constexpr float kTolerance = 1e-6F;

const char* const kJob = R"(
[job]
name = "first-step"
seed = 3
global_batch = 50      # does not divide by 3 or 4 ranks
[data]
kind = "digits"
train = 120
test = 10
[[model.layer]]
kind = "conv2d"
out = 6
kernel = 5
stride = 2
[[model.layer]]
kind = "relu"
[[model.layer]]
kind = "dropout"
rate = 0.3
[[model.layer]]
kind = "linear"
out = 10
[optimizer]
kind = "rmsprop"
learning_rate = 0.003
[exchange]
codec = "fp32"
bucket = "4KiB"
)";

class Silent final : public base::Observer {
 public:
  void on_span(const base::Span&) noexcept override {}
};

config::JobConfig job_of(std::int64_t micro_batch) {
  config::JobConfig config = job::parse_job(kJob, "test").config;
  config.job.micro_batch = micro_batch;
  return config;
}

std::vector<float> gradients_of(run::Session& session) {
  const auto values = session.model().gradients().span<float>();
  return {values.begin(), values.end()};
}

// The gradient of the first batch as one rank computes it in one pass, without worker, engine or exchange.
std::vector<float> reference_gradient(const config::JobConfig& config) {
  const data::Split split = data::open(config.data, config.job.seed);
  run::Session session(config, split, {});
  session.model().initialize(config.job.seed, session.stream());
  session.model().begin_step(session.stream());
  data::Loader loader(
      {split.train, session.plan(), data::SampleOrder(config.job.seed, split.train->size()), 0, 0, 1}, {},
      nullptr);
  const data::MicroBatch& loaded = loader.next();
  const auto labels =
      session.input_stage().load(session.stream(), loaded.images, loaded.labels, session.model().input());
  kernels::Buffer<double> totals({}, 2);
  const model::layers::PassContext pass{
      model::layers::Phase::training, config.job.seed, 0, 0, loaded.samples, {}};
  session.model().train(session.stream(), pass, labels, 1.0F / static_cast<float>(loaded.samples),
                        totals.tensor(), [](std::int64_t) {});
  loader.release(loaded, session.stream());
  return gradients_of(session);
}

bool close(const std::vector<float>& gradient, const std::vector<float>& reference) {
  const float largest =
      std::abs(*std::ranges::max_element(reference, {}, [](float g) { return std::abs(g); }));
  return std::ranges::equal(gradient, reference,
                            [&](float a, float b) { return std::abs(a - b) <= kTolerance * largest; });
}

}  // namespace

TEST_CASE("the gradient of the first step is that of the whole batch, on every rank") {
  for (const std::int64_t micro_batch : {0, 13, 7, 1}) {
    for (const bool overlap : {true, false}) {
      config::JobConfig config = job_of(micro_batch);
      config.exchange.overlap = overlap;
      const std::vector<float> reference = reference_gradient(job_of(0));

      run::Session session(config, data::open(config.data, config.job.seed),
                           {world().rank(), world().size(), {}});
      session.initialize(world());
      Silent observer;
      std::vector<float> gradient;
      {
        comm::engine::Engine engine(world());
        const auto exchange = run::make_exchange(session, engine, observer);
        run::Worker worker(run::plan_steps(session, 0, 1), *exchange, observer, engine.flight_recorder());
        worker.step();
        gradient = gradients_of(session);
      }
      CAPTURE(micro_batch, overlap);
      CHECK_ALL_RANKS(close(gradient, reference));
    }
  }
}

TEST_CASE(
    "every sample of an epoch is computed by one rank, and in the order that one rank alone would take") {
  const config::JobConfig config = job_of(5);
  const data::Split split = data::open(config.data, config.job.seed);
  const data::BatchPlan plan = run::partition(config.job, split.train->size(), world().size());
  const data::SampleOrder order(config.job.seed, split.train->size());
  std::vector<float> visits(static_cast<std::size_t>(split.train->size()), 0);
  std::vector<float> place(visits.size(), 0);
  for (std::int64_t step = 0; step < plan.steps_per_epoch(); ++step) {
    const data::Batch batch = plan.batch(step);
    const data::Rows local_batch = plan.local_batch(batch, world().rank());
    for (std::int64_t row = local_batch.first; row < local_batch.first + local_batch.samples; ++row) {
      const auto sample = static_cast<std::size_t>(order.at(batch.epoch, batch.first + row));
      visits[sample] += 1;
      place[sample] += static_cast<float>(batch.first + row);
    }
  }
  world().sum(std::span<float>(visits));
  world().sum(std::span<float>(place));
  CHECK(std::ranges::all_of(visits, [](float count) { return count == 1; }));
  for (std::int64_t position = 0; position < split.train->size(); ++position)
    CHECK(place[static_cast<std::size_t>(order.at(0, position))] == static_cast<float>(position));
}

namespace {

// Another exchange, of gradients into which this rank puts a value at one step.
class Poisoned final : public comm::GradientExchange {
 public:
  Poisoned(comm::GradientExchange& exchange, kernels::Tensor gradients, std::int64_t step, float value)
      : exchange_(exchange), gradients_(gradients), step_(step), value_(value) {}

  void submit(std::size_t bucket, std::int64_t step, kernels::StreamView producer) override {
    if (bucket == 0 && step == step_) gradients_.span<float>()[17] = value_;
    exchange_.submit(bucket, step, producer);
  }
  bool wait_for_next(kernels::StreamView consumer) override { return exchange_.wait_for_next(consumer); }
  std::size_t wire_bytes() const override { return exchange_.wire_bytes(); }

 private:
  comm::GradientExchange& exchange_;
  kernels::Tensor gradients_;
  std::int64_t step_;
  float value_;
};

std::vector<float> weights_of(run::Session& session) {
  const auto values = session.model().weights().span<float>();
  return {values.begin(), values.end()};
}

// Of a guarded job of three steps, in the second of which rank `bad` has a gradient with such a value.
struct GuardedRun {
  std::vector<std::int64_t> skipped;
  bool second_step_changed_weights = false;
  bool ended_finite = false;
  run::Worker::Metrics metrics;
  std::string refusal;  // by the guard
};

GuardedRun run_guarded(const config::JobConfig& config, int bad, float value) {
  run::Session session(config, data::open(config.data, config.job.seed),
                       {world().rank(), world().size(), {}});
  session.initialize(world());
  Silent observer;
  comm::engine::Engine engine(world());
  const auto exchange = run::make_exchange(session, engine, observer);
  const std::int64_t poisoned_step = world().rank() == bad ? 1 : -1;
  Poisoned poisoned(*exchange, session.model().gradients(), poisoned_step, value);
  run::Worker worker(run::plan_steps(session, 0, 3), poisoned, observer, engine.flight_recorder());
  GuardedRun run;
  try {
    std::vector<float> before;
    for (int step = 0; step < 3; ++step) {
      before = weights_of(session);
      worker.step();
      if (step == 1) run.second_step_changed_weights = weights_of(session) != before;
    }
  } catch (const comm::mpi::AgreedError& error) {
    run.refusal = error.what();
    return run;
  }
  for (const telemetry::SkippedStep& each : session.guard().take_skipped()) run.skipped.push_back(each.step);
  run.ended_finite = std::ranges::all_of(weights_of(session), [](float w) { return std::isfinite(w); });
  run.metrics = worker.read_metrics();
  return run;
}

}  // namespace

TEST_CASE("what is not finite on one rank reaches the guards of all, in every codec, and changes no weight") {
  for (const config::Codec codec : quant8::all_formats()) {
    for (const float value :
         {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
      for (const int bad : {0, world().size() - 1}) {
        config::JobConfig config = job_of(0);
        config.exchange.codec = codec;
        config.guard.non_finite = config::NonFinite::skip;
        const GuardedRun run = run_guarded(config, bad, value);
        CAPTURE(to_string(codec), value, bad);
        CHECK_ALL_RANKS(run.skipped == std::vector<std::int64_t>{2});
        CHECK_ALL_RANKS(!run.second_step_changed_weights);
        CHECK_ALL_RANKS(run.ended_finite);
        CHECK_ALL_RANKS(run.metrics.samples == 70);  // 50 and 20: the third step ends the epoch of 120
        config.guard.non_finite = config::NonFinite::stop;
        CHECK_ALL_RANKS(run_guarded(config, bad, value).refusal.starts_with("at step 2 the gradient is not"));
      }
    }
  }
}

TEST_CASE("a guard that finds nothing wrong changes nothing of what is learnt") {
  config::JobConfig config = job_of(0);
  std::vector<float> weights[2];
  for (const bool guarded : {false, true}) {
    config.guard.non_finite = guarded ? config::NonFinite::skip : config::NonFinite::off;
    config.guard.spike = guarded ? 100 : 0;
    run::Session session(config, data::open(config.data, config.job.seed),
                         {world().rank(), world().size(), {}});
    session.initialize(world());
    Silent observer;
    comm::engine::Engine engine(world());
    const auto exchange = run::make_exchange(session, engine, observer);
    run::Worker worker(run::plan_steps(session, 0, 3), *exchange, observer, engine.flight_recorder());
    for (int step = 0; step < 3; ++step) worker.step();
    weights[guarded ? 1 : 0] = weights_of(session);
  }
  CHECK_ALL_RANKS(weights[0] == weights[1]);
}
