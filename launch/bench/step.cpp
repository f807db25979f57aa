// eightfold bench step
#include "comm/engine/engine.hpp"
#include "comm/mpi/agreed_error.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/log.hpp"
#include "kernels/linear.hpp"
#include "launch/bench/bench.hpp"
#include "launch/bench/oversubscription.hpp"
#include "launch/bench/step_profile.hpp"
#include "launch/bench/step_trial.hpp"
#include "launch/command/command.hpp"
#include "launch/command/job.hpp"
#include "launch/command/result.hpp"
#include "runtime/data/random_source.hpp"
#include "runtime/scale/measurement.hpp"

#include <algorithm>
#include <bit>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace eightfold::launch::bench {
namespace {

using runtime::scale::kNoExchange;

struct StepOptions {
  command::JobOptions job;
  std::vector<std::string> exchanges;  // empty: the job's own
  std::int64_t steps = 50;
  std::int64_t warmup = 10;
  bool checks_steady_state = false;
  std::filesystem::path profile;
  std::filesystem::path json;
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
double slowest(comm::engine::Engine& engine, double mine) {
  std::vector<std::uint64_t> all;
  engine.run([&](comm::mpi::Communicator& c) { all = c.all_gather(std::bit_cast<std::uint64_t>(mine)); });
  double largest = mine;
  for (const std::uint64_t bits : all) largest = std::max(largest, std::bit_cast<double>(bits));
  return largest;
}

// Errors are agreed. Collective.
void check_steady_state(comm::engine::Engine& engine, const StepTrial& trial, std::int64_t steps) {
  const std::uint64_t allocations = trial.allocations(), synchronizations = trial.synchronizations();
  base::log_info("steady state: {} allocations and {} synchronizations in {} steps", allocations,
                 synchronizations, steps);
  engine.run([&](comm::mpi::Communicator& communicator) {
    comm::mpi::run_agreed(communicator, [&] {
      base::require(allocations == 0 && synchronizations == 0,
                    "a step in steady state allocates nothing and waits for no device; {} steps made {} "
                    "allocations and waited {} times",
                    steps, allocations, synchronizations);
    });
  });
}

// The job with the keys of [exchange] that a setting names, as --set would give them.
command::JobOptions with_setting(command::JobOptions job, std::string_view setting) {
  if (setting == kNoExchange) return job;
  for (std::size_t begin = 0; begin <= setting.size();) {
    const std::size_t end = std::min(setting.find(',', begin), setting.size());
    job.overrides.push_back(fmt::format("exchange.{}", setting.substr(begin, end - begin)));
    begin = end + 1;
  }
  return job;
}

std::unique_ptr<runtime::run::Session> make_session(comm::mpi::Communicator& world,
                                                    const command::JobOptions& options,
                                                    const runtime::run::RankPlace& place) {
  const runtime::config::JobConfig job = command::share_job(world, options);
  auto session = command::plan_session(world, job, place, [&] {
    const auto data = runtime::data::random_source(job.data.kind, 2 * job.job.global_batch);
    return runtime::data::Split{data, data};
  });
  session->initialize(world);
  return session;
}

// All trials take turns, so that what disturbs the machine for a while disturbs all of them.
template <class Turn>
void take_turns(std::vector<std::unique_ptr<StepTrial>>& trials, std::int64_t steps, const Turn& turn) {
  constexpr std::int64_t kTurns = 10;
  const std::int64_t each = trials.size() == 1 ? steps : (steps + kTurns - 1) / kTurns;
  for (std::int64_t done = 0; done < steps; done += each)
    for (const auto& trial : trials) turn(*trial, std::min(each, steps - done));
}

// Collective.
command::ResultRow row_of(comm::engine::Engine& engine, StepTrial& trial, const StepTimer::Medians& medians) {
  runtime::run::Session& session = trial.session();
  std::vector<std::int64_t> elements;
  for (const auto& bucket : session.buckets()) elements.push_back(bucket.end - bucket.begin);
  const std::int64_t passes = session.plan().passes(session.plan().batch(0));
  const double flops = session.model().training_flops() * static_cast<double>(passes);
  const double step_s = slowest(engine, medians.step_s);
  return {{"step_ms", 1e3 * step_s},
          {"compute_ms", 1e3 * slowest(engine, medians.compute_s())},
          {"exposed_ms", 1e3 * slowest(engine, medians.exposed_s)},
          {"bound_ms", 1e3 * slowest(engine, medians.bound_s(trial.exchange_s(), elements))},
          {"codec_ms", 1e3 * slowest(engine, medians.codec_s)},
          {"gflops", 1e-9 * flops / medians.compute_s()},
          {"gemm_gflops", 0.0},
          {"samples_per_s", static_cast<double>(session.plan().batch(0).samples) / step_s}};
}

// One row per trial.
std::vector<command::ResultRow> measure(const StepOptions& options,
                                        std::vector<std::unique_ptr<StepTrial>>& trials,
                                        comm::engine::Engine& engine) {
  const kernels::StreamView stream = trials.front()->session().stream();
  const double gemm_before = gemm_gflops(stream, 20);
  for (const auto& trial : trials) trial->warm_up(options.warmup);
  take_turns(trials, options.steps, [](StepTrial& trial, std::int64_t steps) { trial.take_turn(steps); });
  std::vector<StepTimer::Medians> medians;
  for (const auto& trial : trials) {
    if (options.checks_steady_state) check_steady_state(engine, *trial, options.steps);
    medians.push_back(trial->take_medians());
  }
  take_turns(trials, options.steps,
             [](StepTrial& trial, std::int64_t steps) { trial.exchange_alone(steps); });
  const double gemm = std::max(gemm_before, gemm_gflops(stream, 20));

  std::vector<command::ResultRow> rows;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    rows.push_back(row_of(engine, *trials[i], medians[i]));
    rows.back()["gemm_gflops"] = gemm;
    if (!options.exchanges.empty()) rows.back()["exchange"] = options.exchanges[i];
  }
  return rows;
}

// The profile of the job, and a row of its step without an exchange. The links are measured before there is
// an engine. Collective.
void take_profile(const StepOptions& options, comm::mpi::Communicator& world,
                  const command::Placement& placement) {
  constexpr int kRepeats = 10;
  std::optional<comm::simulator::Fabric> fabric = measure_fabric(world, kRepeats);
  const bool shares_cores = fabric && fabric->cores > 0;
  std::vector<std::unique_ptr<runtime::run::Session>> workers;
  if (shares_cores)
    for (int i = 0; i < oversubscribing_workers(*fabric, placement); ++i)
      workers.push_back(make_session(world, options.job, placement.place));
  auto session = make_session(world, options.job, placement.place);
  auto exchanging_session =
      fabric
          ? make_session(world, with_setting(options.job, "codec=fp32,algorithm=two_shot"), placement.place)
          : nullptr;
  comm::engine::Engine engine(world);
  StepTrial computing(std::move(session), engine, Exchanging::nothing, options.warmup + options.steps);
  computing.time_layers();
  computing.warm_up(options.warmup);
  computing.take_turn(options.steps);
  const StepTimer::Medians medians = computing.take_medians();
  const runtime::scale::Workload workload = workload_of(computing, medians, engine, placement);
  if (fabric) {
    StepTrial exchanging(std::move(exchanging_session), engine, Exchanging::as_the_job_says, 1);
    add_engine_costs(*fabric, exchanging, engine, options.steps);
  }
  if (shares_cores) measure_oversubscription(*fabric, std::move(workers), engine, placement, medians.step_s);
  command::ResultRow row = row_of(engine, computing, medians);
  row["gemm_gflops"] = gemm_gflops(computing.session().stream(), 20);
  if (world.rank() != 0) return;
  base::write_output_file(options.profile, profile_text(workload, fabric));
  base::log_info("wrote {}", options.profile.string());
  command::publish(options.json, runtime::run::environment_json(placement.facts), {row});
}

// Rank 0 asks whether the profile can be written. Collective; errors are agreed.
void share_profile_check(comm::mpi::Communicator& world, const StepOptions& options) {
  comm::mpi::run_agreed(world, [&] {
    if (!options.profile.empty() && (!options.exchanges.empty() || options.checks_steady_state))
      base::raise<base::ConfigError>(
          "--profile is of the step without an exchange: leave out --exchange and --check-steady-state");
    if (world.rank() == 0) command::check_result_path("--profile", options.profile);
  });
}

void bench_step(const StepOptions& options, comm::mpi::Environment& environment) {
  comm::mpi::Communicator& world = environment.world();
  command::share_json_check(world, options.json);
  share_profile_check(world, options);
  const command::Placement placement = command::place_rank(world, command::share_job(world, options.job).job);
  if (!options.profile.empty()) return take_profile(options, world, placement);
  std::vector<std::unique_ptr<runtime::run::Session>> sessions;
  if (options.exchanges.empty()) sessions.push_back(make_session(world, options.job, placement.place));
  for (const std::string& setting : options.exchanges)
    sessions.push_back(make_session(world, with_setting(options.job, setting), placement.place));

  comm::engine::Engine engine(world);
  std::vector<std::unique_ptr<StepTrial>> trials;
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    const bool is_idle = !options.exchanges.empty() && options.exchanges[i] == kNoExchange;
    trials.push_back(std::make_unique<StepTrial>(std::move(sessions[i]), engine,
                                                 is_idle ? Exchanging::nothing : Exchanging::as_the_job_says,
                                                 options.warmup + options.steps));
  }
  const std::vector<command::ResultRow> rows = measure(options, trials, engine);
  if (world.rank() == 0)
    command::publish(options.json, runtime::run::environment_json(placement.facts), rows);
}

}  // namespace

void add_bench_step(const command::Command& bench, command::Action& chosen) {
  auto options = std::make_shared<StepOptions>();
  const command::Command command =
      bench.add_command("step", "Time the training step of a job, on random data of its shape");
  command.footer(
      "Medians over the steps, of the slowest rank. compute_ms: without waiting; exposed_ms: waiting for the "
      "exchange\n"
      "after the backward pass; bound_ms: the least a step can take where the exchange alone takes what it "
      "took in this run;\n"
      "codec_ms: encoding and decoding, while the rank computes or waits;\n"
      "gflops: matrix products of one rank per second of compute; gemm_gflops: the best product of two "
      "1024 x 1024 matrices\n"
      "in this run.\n"
      "  eightfold bench step JOB --exchange none --exchange codec=fp32 --exchange "
      "codec=linear8,overlap=false");
  options->job.add_to(command);
  command
      .add_option(
          "--exchange", options->exchanges,
          "Keys of [exchange] to time the step with, or \"none\": without; repeatable, all take turns "
          "and have a row each")
      .type_name("KEY=VALUE,...")
      .repeatable();
  command.add_option("--steps", options->steps, "Steps to time").show_default().in_range(1, 1000000);
  command.add_option("--warmup", options->warmup, "Steps before them").show_default().in_range(0, 1000000);
  command
      .add_option("--profile", options->profile,
                  "Write what the layers, the codecs and the links take to FILE, for `scale simulate`")
      .type_name("FILE");
  command.add_flag("--check-steady-state", options->checks_steady_state,
                   "Fail if a timed step allocates memory or its worker waits for the device");
  command::add_json_option(command, options->json);
  command::run_on_ranks(command, chosen, options, bench_step);
}

}  // namespace eightfold::launch::bench
