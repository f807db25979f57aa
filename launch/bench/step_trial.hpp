#pragma once

// A step with one setting of the exchange, timed by `bench step`. Each trial has a session, a worker and an
// exchange of its own, so that several can take turns.

#include "comm/engine/engine.hpp"
#include "comm/gradient_exchange.hpp"
#include "launch/bench/step_timer.hpp"
#include "runtime/run/session.hpp"
#include "runtime/run/worker.hpp"

#include <cstdint>
#include <memory>

namespace eightfold::launch::bench {

enum class Exchanging { as_the_job_says, nothing };

class StepTrial {
 public:
  // Starts from the weights of the session and can do `steps` steps. All members are collective, in the same
  // order of trials.
  StepTrial(std::unique_ptr<runtime::run::Session> session, comm::engine::Engine& engine,
            Exchanging exchanging, std::int64_t steps);

  runtime::run::Session& session() { return *session_; }

  // From now on the layers are timed too.
  void time_layers() { worker_.time_layers(); }
  void warm_up(std::int64_t steps);
  // Does timed steps, then waits for the device.
  void take_turn(std::int64_t steps);
  // Allocations and waits for the device in all timed steps so far: 0 in steady state.
  std::uint64_t allocations() const { return allocations_; }
  std::uint64_t synchronizations() const { return synchronizations_; }
  std::uint64_t ticket_waits() const { return ticket_waits_; }
  // Ends the timing of steps.
  StepTimer::Medians take_medians();

  // Exchanges all buckets, `rounds` times, while nothing is computed; the sums are not used. After
  // take_medians().
  void exchange_alone(std::int64_t rounds);
  // The median time of a round of exchange_alone().
  double exchange_s() const { return timer_.exchange_s(session_->buckets().size()); }
  // All encoding and decoding of exchange_alone().
  double codec_s() const { return timer_.codec_s(); }
  // Bytes that this rank sends in a step.
  std::size_t wire_bytes() const { return exchange_->wire_bytes(); }

 private:
  std::unique_ptr<runtime::run::Session> session_;
  StepTimer timer_;
  std::unique_ptr<comm::GradientExchange> exchange_;
  runtime::run::Worker worker_;
  std::uint64_t allocations_ = 0, synchronizations_ = 0, ticket_waits_ = 0;
};

}  // namespace eightfold::launch::bench
