#include "launch/bench/oversubscription.hpp"

#include "kernels/base/clock.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/log.hpp"
#include "kernels/host_threads.hpp"
#include "launch/bench/over_ranks.hpp"
#include "launch/bench/step_trial.hpp"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <exception>
#include <thread>

namespace eightfold::launch::bench {
namespace {

constexpr std::int64_t kSteps = 40, kFirst = 5;  // steps; the first of them are not counted
constexpr std::chrono::milliseconds kPause{20};

// Computing threads of all ranks per core.
double load(const command::Placement& placement, int workers, int cores) {
  return static_cast<double>(placement.place.ranks) * placement.facts.threads * workers / cores;
}

// OpenMP keeps the number for each thread apart. Work planned for more threads than are granted computes
// wrong values.
void require_threads(int count) {
  if (const int granted = kernels::set_host_threads(count); granted < count)
    base::raise<base::EnvironmentError>(
        "OpenMP grants a further worker {} of {} host threads; a smaller job.threads needs fewer", granted,
        count);
}

// A rank's workers, each on a thread of its own. All take a step at once when step_s() is called.
class OversubscribedWorkers {
 public:
  OversubscribedWorkers(std::vector<std::unique_ptr<runtime::run::Session>> sessions,
                        comm::engine::Engine& engine, int host_threads)
      : gate_(static_cast<std::ptrdiff_t>(sessions.size()) + 1),
        times_s_(sessions.size()),
        failures_(sessions.size()) {
    for (auto& session : sessions)
      trials_.push_back(
          std::make_unique<StepTrial>(std::move(session), engine, Exchanging::nothing, kFirst + kSteps));
    for (std::size_t i = 0; i < trials_.size(); ++i)
      threads_.emplace_back([this, i, host_threads] { serve(i, host_threads); });
    gate_.arrive_and_wait();
    for (const std::exception_ptr& failure : failures_)
      if (failure) std::rethrow_exception(failure);
  }

  // Takes a step with all workers; returns the time of the slowest.
  double step_s() {
    gate_.arrive_and_wait();
    gate_.arrive_and_wait();
    return std::ranges::max(times_s_);
  }

 private:
  void serve(std::size_t worker, int host_threads) {
    try {
      kernels::select_device(trials_[worker]->session().place().device);
      require_threads(host_threads);
    } catch (...) {
      failures_[worker] = std::current_exception();
    }
    gate_.arrive_and_wait();
    if (std::ranges::any_of(failures_, [](const auto& failure) { return failure != nullptr; })) return;
    for (std::int64_t step = 0; step < kFirst + kSteps; ++step) {
      gate_.arrive_and_wait();
      const base::TimePoint begin = base::Clock::now();
      trials_[worker]->take_turn(1);
      times_s_[worker] = base::seconds_since(begin);
      gate_.arrive_and_wait();
    }
  }

  std::barrier<> gate_;  // passed when all have their threads, then before and after each step
  std::vector<double> times_s_;
  std::vector<std::exception_ptr> failures_;  // by worker: its threads were not granted
  std::vector<std::unique_ptr<StepTrial>> trials_;
  std::vector<std::jthread> threads_;
};

}  // namespace

int oversubscribing_workers(const comm::simulator::Fabric& fabric, const command::Placement& placement) {
  int workers = 1;
  while (load(placement, workers, fabric.cores) < 2) ++workers;
  return workers;
}

void measure_oversubscription(comm::simulator::Fabric& fabric,
                              std::vector<std::unique_ptr<runtime::run::Session>> workers,
                              comm::engine::Engine& engine, const command::Placement& placement,
                              double alone_s) {
  const double load_alone = std::max(1.0, load(placement, 1, fabric.cores));
  const double fair_s =
      alone_s * load(placement, static_cast<int>(workers.size()), fabric.cores) / load_alone;
  OversubscribedWorkers oversubscribed(std::move(workers), engine, placement.facts.threads);
  std::vector<double> steps_s;
  for (std::int64_t step = 0; step < kFirst + kSteps; ++step) {
    std::this_thread::sleep_for(kPause);
    engine.run([](comm::mpi::Communicator& world) { world.barrier(); });
    const double slowest_s = largest_of_ranks(engine, oversubscribed.step_s());
    if (step >= kFirst) steps_s.push_back(slowest_s);
  }
  std::ranges::nth_element(steps_s, steps_s.begin() + kSteps / 2);
  fabric.oversubscription_slowdown = std::max(1.0, steps_s[kSteps / 2] / largest_of_ranks(engine, fair_s));
  base::log_info(
      "profile: with twice as many threads as cores a step takes {:.3f} ms, {:.3f} times as long as with the "
      "cores divided evenly",
      1e3 * steps_s[kSteps / 2], fabric.oversubscription_slowdown);
}

}  // namespace eightfold::launch::bench
