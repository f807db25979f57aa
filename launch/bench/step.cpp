// eightfold bench step
#include "comm/engine/engine.hpp"
#include "comm/mpi/agreed_error.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/log.hpp"
#include "kernels/linear.hpp"
#include "launch/bench/bench.hpp"
#include "launch/bench/over_ranks.hpp"
#include "launch/bench/oversubscription.hpp"
#include "launch/bench/step_profile.hpp"
#include "launch/bench/step_trial.hpp"
#include "launch/bench/turns.hpp"
#include "runtime/data/random_source.hpp"
#include "runtime/scale/measurement.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace eightfold::launch::bench {
namespace {

using runtime::scale::kNoExchange;

// The fastest product of two 1024 x 1024 matrices out of `repeats`, in 10^9 operations a second: the rate
// that this rank's threads reach when only arithmetic counts.
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

// Throws if the timed steps allocated memory or waited for the device. Collective; errors are agreed.
void check_steady_state(comm::engine::Engine& engine, const StepTrial& trial, std::int64_t steps) {
  const std::uint64_t allocations = trial.allocations(), synchronizations = trial.synchronizations();
  base::log_info("steady state: {} allocations and {} synchronizations in {} steps, {} waits for the engine",
                 allocations, synchronizations, steps, trial.ticket_waits());
  engine.run([&](comm::mpi::Communicator& communicator) {
    comm::mpi::run_agreed(communicator, [&] {
      base::require(allocations == 0 && synchronizations == 0,
                    "a step in steady state allocates nothing and waits for no device; {} steps made {} "
                    "allocations and waited {} times",
                    steps, allocations, synchronizations);
    });
  });
}

// The job with the keys of [exchange] in `setting`, as if by --set.
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

using Trials = std::vector<std::unique_ptr<StepTrial>>;

// Every trial does `steps` steps; several take ten turns each.
void take_step_turns(Trials& trials, std::int64_t steps, void (StepTrial::*turn)(std::int64_t steps)) {
  constexpr std::int64_t kTurns = 10;
  const std::int64_t each = trials.size() == 1 ? steps : (steps + kTurns - 1) / kTurns;
  std::vector<Turn> turns;
  for (const auto& trial : trials)
    turns.emplace_back(
        [=, &trial = *trial](std::int64_t round) { (trial.*turn)(std::min(each, steps - round * each)); });
  take_turns(turns, (steps + each - 1) / each);
}

// The row of a trial, but for gemm_gflops. Collective.
command::ResultRow row_of(comm::engine::Engine& engine, StepTrial& trial, const StepTimer::Medians& medians) {
  runtime::run::Session& session = trial.session();
  std::vector<std::int64_t> elements;
  for (const auto& bucket : session.buckets()) elements.push_back(bucket.end - bucket.begin);
  const std::int64_t passes = session.plan().passes(session.plan().batch(0));
  const double flops = session.model().training_flops() * static_cast<double>(passes);
  const double step_s = largest_of_ranks(engine, medians.step_s);
  return {{"step_ms", 1e3 * step_s},
          {"compute_ms", 1e3 * largest_of_ranks(engine, medians.compute_s())},
          {"exposed_ms", 1e3 * largest_of_ranks(engine, medians.exposed_s)},
          {"bound_ms", 1e3 * largest_of_ranks(engine, medians.bound_s(trial.exchange_s(), elements))},
          {"codec_ms", 1e3 * largest_of_ranks(engine, medians.codec_s)},
          {"gflops", 1e-9 * flops / medians.compute_s()},
          {"gemm_gflops", 0.0},
          {"samples_per_s", static_cast<double>(session.plan().batch(0).samples) / step_s}};
}

class StepBench final : public Bench {
 public:
  void add_options(const command::Command& command) override;
  runtime::config::DeviceChoice known_device() const override { return command::known_device(job_); }
  void plan(const comm::mpi::Communicator& world) override;
  command::Placement place(comm::mpi::Communicator& world) override {
    return command::place_rank(world, command::share_job(world, job_).job);
  }
  Figures measure(comm::mpi::Communicator& world, const command::Placement& placement) override {
    return profile_.empty() ? time_exchanges(world, placement) : take_profile(world, placement);
  }

 private:
  Figures time_exchanges(comm::mpi::Communicator& world, const command::Placement& placement) const;
  std::vector<command::ResultRow> time_trials(Trials& trials, comm::engine::Engine& engine) const;
  Figures take_profile(comm::mpi::Communicator& world, const command::Placement& placement) const;

  command::JobOptions job_;
  std::vector<std::string> exchanges_;  // empty: the job's own
  std::int64_t steps_ = 50;
  std::int64_t warmup_ = 10;
  bool checks_steady_state_ = false;
  std::filesystem::path profile_;
};

void StepBench::add_options(const command::Command& command) {
  job_.add_to(command);
  command
      .add_option(
          "--exchange", exchanges_,
          "Keys of [exchange] to time the step with, or \"none\": without; repeatable, all take turns "
          "and have a row each")
      .type_name("KEY=VALUE,...")
      .repeatable();
  command.add_option("--steps", steps_, "Steps to time").show_default().in_range(1, 1000000);
  command.add_option("--warmup", warmup_, "Steps before them").show_default().in_range(0, 1000000);
  command
      .add_option("--profile", profile_,
                  "Write what the layers, the codecs and the links take to FILE, for `scale simulate`")
      .type_name("FILE");
  command.add_flag("--check-steady-state", checks_steady_state_,
                   "Fail if a timed step allocates memory or its worker waits for the device");
}

void StepBench::plan(const comm::mpi::Communicator& world) {
  if (!profile_.empty() && (!exchanges_.empty() || checks_steady_state_))
    base::raise<base::ConfigError>(
        "--profile is of the step without an exchange: leave out --exchange and --check-steady-state");
  if (world.rank() == 0) command::check_result_path("--profile", profile_);
}

// A trial for each --exchange, or one for the job's own. Collective.
Figures StepBench::time_exchanges(comm::mpi::Communicator& world, const command::Placement& placement) const {
  std::vector<std::unique_ptr<runtime::run::Session>> sessions;
  if (exchanges_.empty()) sessions.push_back(make_session(world, job_, placement.place));
  for (const std::string& setting : exchanges_)
    sessions.push_back(make_session(world, with_setting(job_, setting), placement.place));

  comm::engine::Engine engine(world, placement.place.device);
  Trials trials;
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    const bool is_idle = !exchanges_.empty() && exchanges_[i] == kNoExchange;
    trials.push_back(std::make_unique<StepTrial>(std::move(sessions[i]), engine,
                                                 is_idle ? Exchanging::nothing : Exchanging::as_the_job_says,
                                                 warmup_ + steps_));
  }
  return {.rows = time_trials(trials, engine)};
}

// Times the steps, then the exchange of each trial while nothing is computed. One row per trial. Collective.
std::vector<command::ResultRow> StepBench::time_trials(Trials& trials, comm::engine::Engine& engine) const {
  const kernels::StreamView stream = trials.front()->session().stream();
  const double gemm_before = gemm_gflops(stream, 20);
  for (const auto& trial : trials) trial->warm_up(warmup_);
  take_step_turns(trials, steps_, &StepTrial::take_turn);
  std::vector<StepTimer::Medians> medians;
  for (const auto& trial : trials) {
    if (checks_steady_state_) check_steady_state(engine, *trial, steps_);
    medians.push_back(trial->take_medians());
  }
  take_step_turns(trials, steps_, &StepTrial::exchange_alone);
  const double gemm = std::max(gemm_before, gemm_gflops(stream, 20));

  std::vector<command::ResultRow> rows;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    rows.push_back(row_of(engine, *trials[i], medians[i]));
    rows.back()["gemm_gflops"] = gemm;
    if (!exchanges_.empty()) rows.back()["exchange"] = exchanges_[i];
  }
  return rows;
}

// Writes the profile of the job; returns a row of its step without an exchange. The links are measured before
// there is an engine. Collective.
Figures StepBench::take_profile(comm::mpi::Communicator& world, const command::Placement& placement) const {
  constexpr int kRepeats = 10;
  std::optional<comm::simulator::Fabric> fabric = measure_fabric(world, kRepeats);
  const bool shares_cores = fabric && fabric->cores > 0;
  std::vector<std::unique_ptr<runtime::run::Session>> workers;
  if (shares_cores)
    for (int i = 0; i < oversubscribing_workers(*fabric, placement); ++i)
      workers.push_back(make_session(world, job_, placement.place));
  auto session = make_session(world, job_, placement.place);
  auto exchanging_session =
      fabric ? make_session(world, with_setting(job_, "codec=fp32,algorithm=two_shot"), placement.place)
             : nullptr;
  comm::engine::Engine engine(world, placement.place.device);
  StepTrial computing(std::move(session), engine, Exchanging::nothing, warmup_ + steps_);
  computing.time_layers();
  computing.warm_up(warmup_);
  computing.take_turn(steps_);
  const StepTimer::Medians medians = computing.take_medians();
  const runtime::scale::Workload workload = workload_of(computing, medians, engine, placement);
  if (fabric) {
    StepTrial exchanging(std::move(exchanging_session), engine, Exchanging::as_the_job_says, 1);
    add_engine_costs(*fabric, exchanging, engine, steps_);
  }
  if (shares_cores) measure_oversubscription(*fabric, std::move(workers), engine, placement, medians.step_s);
  command::ResultRow row = row_of(engine, computing, medians);
  row["gemm_gflops"] = gemm_gflops(computing.session().stream(), 20);
  if (world.rank() == 0) {
    base::write_output_file(profile_, profile_text(workload, fabric));
    base::log_info("wrote {}", profile_.string());
  }
  return {.rows = {row}};
}

}  // namespace

const Descriptor kStepBench = {
    .name = "step",
    .help = "Time the training step of a job, on random data of its shape",
    .footer =
        "Medians over the steps, of the slowest rank. compute_ms: without waiting; exposed_ms: waiting for "
        "the exchange\n"
        "after the backward pass; bound_ms: the least a step can take where the exchange alone takes what it "
        "took in this run;\n"
        "codec_ms: encoding and decoding, while the rank computes or waits;\n"
        "gflops: matrix products of one rank per second of compute; gemm_gflops: the best product of two "
        "1024 x 1024 matrices\n"
        "in this run.\n"
        "  eightfold bench step JOB --exchange none --exchange codec=fp32 --exchange "
        "codec=linear8,overlap=false",
    .make = make_bench<StepBench>};

}  // namespace eightfold::launch::bench
