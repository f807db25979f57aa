#pragma once

// One way to exchange gradients, timed by `bench step`: a job with a session, a worker and an exchange of its
// own, so that several can take turns.

#include "comm/engine/engine.hpp"
#include "comm/exchange.hpp"
#include "launch/bench/step_timer.hpp"
#include "runtime/run/session.hpp"
#include "runtime/run/worker.hpp"

#include <cstdint>
#include <memory>

namespace eightfold::launch::bench {

enum class Exchanging { as_the_job_says, nothing };

class StepTrial {
 public:
  // Takes the weights of the session as they are, and can do so many steps. Every rank makes the same trials
  // and calls the same members, in the same order.
  StepTrial(std::unique_ptr<runtime::run::Session> session, comm::engine::Engine& engine,
            Exchanging exchanging, std::int64_t steps);

  runtime::run::Session& session() { return *session_; }

  // Times the layers, too, from now on.
  void time_layers() { worker_.time_layers(); }
  void warm_up(std::int64_t steps);
  // Times steps. Waits for the device at the end.
  void take_turn(std::int64_t steps);
  // What the timed steps have cost so far beyond computing; a step in steady state allocates nothing and
  // waits for no device.
  std::uint64_t allocations() const { return allocations_; }
  std::uint64_t synchronizations() const { return synchronizations_; }
  // Ends the timing of steps.
  StepTimer::Medians take_medians();

  // Exchanges all buckets so many times while nothing is computed; what they sum is of no use. After
  // take_medians().
  void exchange_alone(std::int64_t rounds);
  // Their median time, together.
  double exchange_s() const { return timer_.exchange_s(session_->buckets().size()); }
  // All encoding and decoding of exchange_alone().
  double codec_s() const { return timer_.codec_s(); }
  // Bytes that this rank sends in a step.
  std::size_t wire_bytes() const { return exchange_->wire_bytes(); }

 private:
  std::unique_ptr<runtime::run::Session> session_;
  StepTimer timer_;
  std::unique_ptr<comm::Exchange> exchange_;
  runtime::run::Worker worker_;
  std::uint64_t allocations_ = 0, synchronizations_ = 0;
};

}  // namespace eightfold::launch::bench
