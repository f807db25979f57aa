#include "launch/bench/runner.hpp"

#include "comm/measure/link.hpp"
#include "comm/mpi/timing.hpp"
#include "kernels/base/median.hpp"

namespace eightfold::launch::bench {
namespace {

// A contender on a bucket, and its times on this rank.
struct Entrant {
  CollectiveTrial trial;
  std::vector<double> times_s;
  CollectiveTrial::Verdict verdict;
};

// Before the timed repeats one that is not: connections are made, memory is touched.
void run_all(std::vector<std::unique_ptr<Entrant>>& entrants, comm::engine::Engine& engine,
             const RaceOptions& options, std::vector<double>& ring_s) {
  for (int repeat = -1; repeat < options.repeats; ++repeat) {
    engine.run([&](comm::mpi::Communicator& communicator) {
      comm::measure::LinkMeter meter(communicator, {.repeats = 1});
      if (const double time_s = meter.ring_s(kGoodputBytes); repeat >= 0) ring_s.push_back(time_s);
    });
    for (const auto& entrant : entrants) {
      const double time_s = entrant->trial.run();
      if (repeat >= 0) entrant->times_s.push_back(time_s);
      if (repeat == options.repeats - 1 && options.is_verified) entrant->verdict = entrant->trial.verify();
    }
  }
}

}  // namespace

RaceResult race(comm::mpi::Communicator& world, kernels::Device device, const RaceOptions& options) {
  const comm::schedules::Topology topology = comm::schedules::discover_topology(world);
  const int rank = world.rank();
  const kernels::Stream stream(device);
  std::vector<std::unique_ptr<TrialBucket>> buckets;
  RaceResult result;
  std::vector<double> ring_s;
  comm::engine::Engine engine(world);
  std::vector<std::unique_ptr<Entrant>> entrants;
  for (const std::int64_t elements : options.elements) {
    buckets.push_back(std::make_unique<TrialBucket>(stream, rank, elements));
    for (const Contender& contender : options.contenders)
      entrants.push_back(std::make_unique<Entrant>(Entrant{
          CollectiveTrial(engine, *buckets.back(), contender, topology, rank, options.calibration), {}, {}}));
  }
  run_all(entrants, engine, options, ring_s);
  for (const auto& entrant : entrants) {
    std::vector<double> slowest;
    engine.run([&](comm::mpi::Communicator& c) { slowest = slowest_of_ranks(c, entrant->times_s); });
    result.figures.push_back({entrant->trial.contender(),
                              static_cast<std::int64_t>(entrant->trial.bytes() / sizeof(float)), slowest,
                              entrant->trial.wire_bytes(), entrant->verdict});
  }
  if (topology.ranks() > 1)
    result.goodput_bytes_per_s = static_cast<double>(kGoodputBytes) / base::median(ring_s);
  return result;
}

}  // namespace eightfold::launch::bench
