#include "launch/bench/runner.hpp"

#include "comm/measure/link.hpp"
#include "comm/mpi/timing.hpp"
#include "kernels/base/median.hpp"

namespace eightfold::launch::bench {
namespace {

// A candidate on a bucket, and its times on this rank.
struct TimedTrial {
  CollectiveTrial trial;
  std::vector<double> times_s;
  CollectiveTrial::Verdict verdict;
};

// Before the timed repeats one that is not: connections are made, memory is touched.
void run_all(std::vector<std::unique_ptr<TimedTrial>>& trials, comm::engine::Engine& engine,
             const TimingOptions& options, std::vector<double>& ring_s) {
  for (int repeat = -1; repeat < options.repeats; ++repeat) {
    engine.run([&](comm::mpi::Communicator& communicator) {
      comm::measure::LinkMeter meter(communicator, {.repeats = 1});
      if (const double time_s = meter.ring_s(kGoodputBytes); repeat >= 0) ring_s.push_back(time_s);
    });
    for (const auto& each : trials) {
      const double time_s = each->trial.run();
      if (repeat >= 0) each->times_s.push_back(time_s);
      if (repeat == options.repeats - 1 && options.is_verified) each->verdict = each->trial.verify();
    }
  }
}

}  // namespace

Timings time_candidates(comm::mpi::Communicator& world, kernels::Device device,
                        const TimingOptions& options) {
  const comm::schedules::Topology topology = comm::schedules::discover_topology(world);
  const int rank = world.rank();
  const kernels::Stream stream(device);
  std::vector<std::unique_ptr<TrialBucket>> buckets;
  Timings result;
  std::vector<double> ring_s;
  comm::engine::Engine engine(world);
  std::vector<std::unique_ptr<TimedTrial>> trials;
  for (const std::int64_t elements : options.elements) {
    buckets.push_back(std::make_unique<TrialBucket>(stream, rank, elements));
    for (const Candidate& candidate : options.candidates)
      trials.push_back(std::make_unique<TimedTrial>(TimedTrial{
          CollectiveTrial(engine, *buckets.back(), candidate, topology, rank, options.calibration), {}, {}}));
  }
  run_all(trials, engine, options, ring_s);
  for (const auto& each : trials) {
    std::vector<double> slowest;
    engine.run([&](comm::mpi::Communicator& c) { slowest = slowest_of_ranks(c, each->times_s); });
    result.figures.push_back({each->trial.candidate(),
                              static_cast<std::int64_t>(each->trial.bytes() / sizeof(float)), slowest,
                              each->trial.wire_bytes(), each->verdict});
  }
  if (topology.ranks() > 1)
    result.goodput_bytes_per_s = static_cast<double>(kGoodputBytes) / base::median(ring_s);
  return result;
}

}  // namespace eightfold::launch::bench
