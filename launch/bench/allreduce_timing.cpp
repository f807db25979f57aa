#include "launch/bench/allreduce_timing.hpp"

#include "comm/measure/link.hpp"
#include "comm/mpi/timing.hpp"
#include "comm/schedules/generators.hpp"
#include "kernels/base/median.hpp"
#include "launch/bench/goodput.hpp"
#include "launch/bench/options.hpp"
#include "launch/bench/turns.hpp"

namespace eightfold::launch::bench {
namespace {

// A candidate on a bucket, and its times on this rank.
struct TimedTrial {
  CollectiveTrial trial;
  std::vector<double> times_s;
  CollectiveTrial::Verdict verdict;
};

// In every round the goodput of the links first, then each trial. Round 0 is not counted: connections are
// made and memory is touched. A trial is verified right after its last turn, before another one takes its
// bucket.
void run_all(std::vector<std::unique_ptr<TimedTrial>>& trials, comm::engine::Engine& engine,
             const TimingOptions& options, std::vector<double>& ring_s) {
  std::vector<Turn> turns;
  turns.emplace_back([&](std::int64_t round) {
    engine.run([&](comm::mpi::Communicator& communicator) {
      comm::measure::LinkMeter meter(communicator, {.repeats = 1});
      if (const double time_s = meter.ring_s(kGoodputBytes); round > 0) ring_s.push_back(time_s);
    });
  });
  for (const auto& each : trials)
    turns.emplace_back([&, timed = each.get()](std::int64_t round) {
      const double time_s = timed->trial.run();
      if (round > 0) timed->times_s.push_back(time_s);
      if (round == options.repeats && options.is_verified) timed->verdict = timed->trial.verify();
    });
  take_turns(turns, 1 + options.repeats);
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
  comm::engine::Engine engine(world, device);
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
    result.timings.push_back({each->trial.candidate(),
                              static_cast<std::int64_t>(each->trial.bytes() / sizeof(float)), slowest,
                              each->trial.wire_bytes(), each->verdict});
  }
  if (topology.ranks() > 1)
    result.goodput_bytes_per_s = static_cast<double>(kGoodputBytes) / base::median(ring_s);
  return result;
}

std::vector<comm::measure::AllreduceTime> all_allreduce_times(comm::mpi::Communicator& world,
                                                              const kernels::Device& device,
                                                              const std::vector<std::size_t>& sizes,
                                                              int repeats) {
  TimingOptions options;
  options.repeats = repeats;
  options.is_verified = false;
  for (const std::size_t bytes : sizes)
    if (bytes % sizeof(float) == 0)
      options.elements.push_back(static_cast<std::int64_t>(bytes / sizeof(float)));
  std::vector<std::string> algorithms{"mpi"};
  for (const std::string_view name : comm::schedules::allreduce_names()) algorithms.emplace_back(name);
  for (const std::string& algorithm : algorithms)
    for (const quant8::Format format : quant8::all_formats())
      if (unsupported_reason({algorithm, format}, device).empty())
        options.candidates.push_back({algorithm, format});
  std::vector<comm::measure::AllreduceTime> times;
  for (const Timing& each : time_candidates(world, device, options).timings)
    times.push_back({each.candidate.algorithm, each.candidate.format,
                     static_cast<std::size_t>(each.elements) * sizeof(float), base::median(each.times_s)});
  return times;
}

}  // namespace eightfold::launch::bench
