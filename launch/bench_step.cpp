// eightfold bench step
#include "comm/agreed_error.hpp"
#include "comm/engine.hpp"
#include "kernels/base/log.hpp"
#include "kernels/linear.hpp"
#include "launch/bench_codec.hpp"
#include "launch/bench_link.hpp"
#include "launch/command.hpp"
#include "launch/job.hpp"
#include "launch/result.hpp"
#include "launch/step_timer.hpp"
#include "runtime/data/random_source.hpp"
#include "runtime/exchange.hpp"
#include "runtime/worker.hpp"

#include <algorithm>
#include <bit>

namespace eightfold::launch {
namespace {

struct StepOptions {
  JobOptions job;
  std::int64_t steps = 50;
  std::int64_t warmup = 10;
  bool checks_steady_state = false;
  std::string json;
};

// The fastest product of two 1024 x 1024 matrices out of `repeats`, in 10^9 operations a second: what this
// rank's threads reach when nothing but the arithmetic counts.
double gemm_gflops(kernels::StreamView stream, int repeats) {
  constexpr std::int64_t kSide = 1024;
  const kernels::Device device = stream.device();
  const std::unique_ptr<kernels::Linear> product = kernels::plan_linear(device, {kSide, kSide, kSide});
  const kernels::Shape square = {kSide, kSide};
  const kernels::Buffer<float> x(device, kSide * kSide), w(device, kSide * kSide), b(device, kSide),
      y(device, kSide * kSide);
  double best_s = 1e9;
  for (int i = 0; i < repeats; ++i) {
    const base::TimePoint start = base::Clock::now();
    product->forward(stream, x.tensor(square), w.tensor(square), b.tensor(), y.tensor(square));
    stream.synchronize();
    best_s = std::min(best_s, base::seconds_since(start));
  }
  return 2e-9 * kSide * kSide * kSide / best_s;
}

// The largest of one number per rank: a step is as slow as its slowest rank. Collective.
double slowest(comm::Engine& engine, double mine) {
  std::vector<std::uint64_t> all;
  engine.run([&](comm::Communicator& c) { all = c.all_gather(std::bit_cast<std::uint64_t>(mine)); });
  double largest = mine;
  for (const std::uint64_t bits : all) largest = std::max(largest, std::bit_cast<double>(bits));
  return largest;
}

// Nothing was allocated since `before`, and the worker waited for no device. Collective; errors are agreed.
void check_steady_state(comm::Engine& engine, const kernels::DeviceCounters& before, std::int64_t steps) {
  const kernels::DeviceCounters now = kernels::device_counters();
  const std::uint64_t allocations = now.allocations - before.allocations;
  const std::uint64_t synchronizations = now.synchronizations - before.synchronizations;
  base::log_info("steady state: {} allocations and {} synchronizations in {} steps", allocations,
                 synchronizations, steps);
  engine.run([&](comm::Communicator& communicator) {
    comm::run_agreed(communicator, [&] {
      base::require(allocations == 0 && synchronizations == 0,
                    "a step in steady state allocates nothing and waits for no device; {} steps made {} "
                    "allocations and waited {} times",
                    steps, allocations, synchronizations);
    });
  });
}

ResultRow measure(const StepOptions& options, runtime::Session& session, comm::Engine& engine) {
  StepTimer timer;
  const double gemm_before = gemm_gflops(session.stream(), 20);
  const std::unique_ptr<comm::Exchange> exchange = runtime::make_exchange(session, engine, timer);
  runtime::Worker worker(session, *exchange, timer, 0, options.warmup + options.steps);
  for (std::int64_t step = 0; step < options.warmup; ++step) worker.step();
  worker.synchronize();
  timer.reset();
  const kernels::DeviceCounters before = kernels::device_counters();
  for (std::int64_t step = 0; step < options.steps; ++step) worker.step();
  if (options.checks_steady_state) check_steady_state(engine, before, options.steps);
  worker.synchronize();
  const StepTimer::Medians medians = timer.medians();
  timer.reset();
  for (std::int64_t round = 0; round < options.steps;
       ++round) {  // the exchange alone, for the bound; what it sums is of no use
    for (std::size_t bucket = 0; bucket < session.buckets().size(); ++bucket)
      exchange->submit(bucket, round, session.stream());
    exchange->wait(session.stream());
  }
  session.stream().synchronize();
  const double bound_s = medians.bound_s(timer.wire_s(session.buckets().size()));
  const double gemm = std::max(gemm_before, gemm_gflops(session.stream(), 20));

  const std::int64_t passes = session.plan().passes(session.plan().batch(0));
  const double flops = session.model().training_flops() * static_cast<double>(passes);
  const double step_s = slowest(engine, medians.step_s);
  return {{"step_ms", 1e3 * step_s},
          {"compute_ms", 1e3 * slowest(engine, medians.compute_s())},
          {"exposed_ms", 1e3 * slowest(engine, medians.exposed_s)},
          {"bound_ms", 1e3 * slowest(engine, bound_s)},
          {"gflops", 1e-9 * flops / medians.compute_s()},
          {"gemm_gflops", gemm},
          {"samples_per_s", static_cast<double>(session.plan().batch(0).samples) / step_s}};
}

void bench_step(const StepOptions& options, comm::Environment& environment) {
  comm::Communicator& world = environment.world();
  share_json_check(world, options.json);
  const runtime::config::JobConfig job = share_job(world, options.job);
  const Placement placement = place_rank(world, job.job);
  const std::unique_ptr<runtime::Session> session = plan_session(world, job, placement.place, [&] {
    const auto data = runtime::data::random_source(job.data.kind, 2 * job.job.global_batch);
    return runtime::data::Split{data, data};
  });
  session->initialize(world);
  comm::Engine engine(world);
  const ResultRow row = measure(options, *session, engine);
  if (world.rank() != 0) return;
  publish(options.json, runtime::environment_json(placement.facts), {row});
}

}  // namespace

void add_bench(CLI::App& program, Action& chosen) {
  CLI::App& bench = *program.add_subcommand("bench", "Measure this machine");
  bench.require_subcommand(1);
  add_bench_codec(bench, chosen);
  add_bench_link(bench, chosen);
  auto options = std::make_shared<StepOptions>();
  CLI::App& command =
      *bench.add_subcommand("step", "Time the training step of a job, on random data of its shape");
  command.footer(
      "Medians over the steps, of the slowest rank. compute_ms: without waiting; exposed_ms: waiting for the "
      "exchange\n"
      "after the backward pass; bound_ms: the least a step can take with the bucket times of this run; "
      "gflops: matrix\n"
      "products of one rank per second of compute; gemm_gflops: the best product of two 1024 x 1024 matrices "
      "in this run.");
  options->job.add_to(command);
  command.add_option("--steps", options->steps, "Steps to time")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  command.add_option("--warmup", options->warmup, "Steps before them")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000000));
  command.add_flag("--check-steady-state", options->checks_steady_state,
                   "Fail if a timed step allocates memory or its worker waits for the device");
  add_json_option(command, options->json);
  run_on_ranks(command, chosen, options, bench_step);
}

}  // namespace eightfold::launch
