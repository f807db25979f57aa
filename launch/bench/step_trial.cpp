#include "launch/bench/step_trial.hpp"

#include "kernels/elementwise.hpp"
#include "runtime/run/exchange.hpp"

#include <utility>

namespace eightfold::launch::bench {
namespace {

// Exchanges nothing: every rank keeps its own gradients.
class NoExchange final : public comm::GradientExchange {
 public:
  void submit(std::size_t, std::int64_t, kernels::StreamView) override {}
  bool wait_for_next(kernels::StreamView) override { return false; }
  std::size_t wire_bytes() const override { return 0; }
};

std::unique_ptr<comm::GradientExchange> make_exchange(Exchanging exchanging, runtime::run::Session& session,
                                                      comm::engine::Engine& engine,
                                                      base::Observer& observer) {
  if (exchanging == Exchanging::nothing) return std::make_unique<NoExchange>();
  return runtime::run::make_exchange(session, engine, observer);
}

}  // namespace

StepTrial::StepTrial(std::unique_ptr<runtime::run::Session> session, comm::engine::Engine& engine,
                     Exchanging exchanging, std::int64_t steps)
    : session_(std::move(session)),
      exchange_(make_exchange(exchanging, *session_, engine, timer_)),
      worker_(runtime::run::plan_steps(*session_, 0, steps), *exchange_, timer_, engine.flight_recorder()) {}

void StepTrial::warm_up(std::int64_t steps) {
  for (std::int64_t step = 0; step < steps; ++step) worker_.step();
  worker_.synchronize();
  timer_.reset();
}

void StepTrial::take_turn(std::int64_t steps) {
  const kernels::DeviceCounters before = kernels::device_counters();
  const std::uint64_t waits_before = exchange_->ticket_waits();
  for (std::int64_t step = 0; step < steps; ++step) worker_.step();
  const kernels::DeviceCounters after = kernels::device_counters();
  allocations_ += after.allocations - before.allocations;
  synchronizations_ += after.synchronizations - before.synchronizations;
  ticket_waits_ += exchange_->ticket_waits() - waits_before;
  worker_.synchronize();
}

StepTimer::Medians StepTrial::take_medians() {
  StepTimer::Medians medians = timer_.medians();
  timer_.reset();
  return medians;
}

void StepTrial::exchange_alone(std::int64_t rounds) {
  for (std::int64_t round = 0; round < rounds; ++round) {
    kernels::fill(session_->stream(), 1, session_->model().gradients());  // repeated sums would overflow
    for (std::size_t bucket = 0; bucket < session_->buckets().size(); ++bucket)
      exchange_->submit(bucket, round, session_->stream());
    exchange_->wait(session_->stream());
    session_->stream().synchronize();
  }
}

}  // namespace eightfold::launch::bench
