#include "runtime/run/train.hpp"

#include "comm/engine/engine.hpp"
#include "comm/mpi/agreed_error.hpp"
#include "comm/verifying_exchange.hpp"
#include "kernels/base/log.hpp"
#include "runtime/health/monitor.hpp"
#include "runtime/run/evaluation.hpp"
#include "runtime/run/exchange.hpp"
#include "runtime/run/periodic.hpp"
#include "runtime/run/replicas.hpp"
#include "runtime/run/saver.hpp"
#include "runtime/run/worker.hpp"
#include "runtime/telemetry/telemetry.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace eightfold::runtime::run {
namespace {

// The loop around the worker: when to report, evaluate, save and stop.
class Run {
 public:
  Run(Session& session, comm::mpi::Communicator& communicator, const RunPlan& plan)
      : session_(session),
        config_(session.config()),
        plan_(plan),
        length_(session.length()),
        telemetry_(config_.telemetry, length_, plan.run_directory, session.place().rank),
        engine_(communicator, session.place().device),
        exchange_(make_exchange(session, engine_, telemetry_)),
        verifying_(verifies()
                       ? std::make_unique<comm::VerifyingExchange>(
                             engine_, *exchange_, parts_of(session.model().gradients(), session.buckets()))
                       : nullptr),
        recorder_(communicator.flight_recorder()),
        saver_(session, engine_, telemetry_, recorder_, plan.store),
        stop_(engine_, session.place().device, plan.stop != nullptr ? *plan.stop : nobody_asks_,
              plan.end_time),
        monitor_(engine_, session.place().device),
        worker_(plan_steps(session, plan.first_step, length_.steps), verifying_ ? *verifying_ : *exchange_,
                telemetry_, recorder_) {}

  TrainResult run() {
    const base::TimePoint start = base::Clock::now();
    log_exchange(session_, *exchange_);
    telemetry_.begin(plan_.first_step);
    std::int64_t done = plan_.first_step;
    PeriodicJobs jobs = jobs_between_steps();
    jobs.at_start(done);
    if (done > 0 && is_over(done))
      base::log_info("nothing was left to do: the checkpoint is of step {}, the job ends after {}", done,
                     target_reached() ? done : length_.steps);
    while (!is_over(done) && stopped_ == StopReason::none) {
      stop_.ask(2 * saver_.longest());  // one may be under way
      done = worker_.step() + 1;
      jobs.after_step(done);
    }
    jobs.at_end(done);
    recorder_.begin_phase(base::Phase::checkpoint, done);
    const std::string hash = hash_text(agreed_weight_hash(done));
    const std::optional<std::string> unsaved = saver_.finish();
    monitor_.finish();
    telemetry_.end(done);
    return {test_.accuracy(), test_.loss(), done, base::seconds_since(start), hash, unsaved, stopped_};
  }

 private:
  using Step = std::int64_t;

  // The jobs, in the order in which they act. Each place has its reason:
  //   skipped steps   first: telemetry has them before anything that may end the run
  //   stop            before evaluation and checkpoint, which depend on its answer
  //   pace            before the report: the engine compares the ranks while the report waits for the device
  //   report          before the evaluation: the training loss is of the steps alone, and a loss that is no
  //                   number ends the run before it is saved
  //   evaluation      before the checkpoint, for the same reason
  //   checkpoint      before the replica check, which it contains
  PeriodicJobs jobs_between_steps() {
    const auto stops = [this] { return stopped_ != StopReason::none; };
    return PeriodicJobs({
        {.act = [this](Step) { tell_skipped_steps(); }, .after_step = Periodic::always},
        {.act = [this](Step done) { agree_on_stop(done); }, .after_step = Periodic::always},
        {.act = [this](Step done) { telemetry_.progress(done); }, .after_step = Periodic::always},
        {.act = [this](Step) { compare_pace(); },
         .after_step = [](Step done) { return done % health::kPaceSteps == 0; }},
        {.act = [this](Step done) { report(done); },
         .after_step = [this](Step done) { return reports_after(done); },
         .at_end = [this](Step done) { return done > plan_.first_step; }},
        // A run that had reached its target when it was saved has nothing more to do. A run that was asked to
        // stop has no time for an evaluation.
        {.act = [this](Step done) { evaluate(done); },
         .at_start = [this](Step done) { return done > 0 && has_target() && evaluates_after(done); },
         .after_step = [=, this](Step done) { return evaluates_after(done) && !stops(); },
         .at_end = [=](Step) { return !stops(); }},
        {.act = [this](Step done) { save(done); },
         .after_step = [this](Step done) { return saves_after(done); },
         .at_end = [=, this](Step) { return config_.checkpoint.every >= 0 || stops(); }},
        {.act = [this](Step done) { agreed_weight_hash(done); },
         .after_step = [this](Step done) { return compares_replicas_after(done) && !saves_after(done); }},
    });
  }

  bool is_over(std::int64_t done) const { return done >= length_.steps || target_reached(); }
  bool ends_epoch(std::int64_t done) const { return done % length_.steps_per_epoch == 0; }
  bool reports_after(std::int64_t done) const {
    return done % config_.telemetry.interval == 0 || done == length_.steps || ends_epoch(done);
  }
  bool evaluates_after(std::int64_t done) const {
    const std::int64_t every = config_.evaluation.every;
    return every > 0 && ends_epoch(done) && done / length_.steps_per_epoch % every == 0;
  }
  bool saves_after(std::int64_t done) const {
    const std::int64_t every = config_.checkpoint.every;
    return every == 0 ? ends_epoch(done) : every > 0 && done % every == 0;
  }
  bool compares_replicas_after(std::int64_t done) const {
    const std::int64_t every = config_.exchange.replica_check;
    return session_.place().ranks > 1 && every > 0 && done % every == 0;
  }
  bool verifies() const { return session_.place().ranks > 1 && config_.exchange.verify; }
  bool has_target() const { return config_.evaluation.target_accuracy > 0; }
  bool target_reached() const {
    return has_target() && test_.samples > 0 && test_.accuracy() >= config_.evaluation.target_accuracy;
  }

  void tell_skipped_steps() {
    for (const telemetry::SkippedStep& each : session_.guard().take_skipped()) telemetry_.skipped(each);
  }

  void agree_on_stop(std::int64_t done) {
    stopped_ = stop_.answer();
    if (done == length_.steps) stopped_ = StopReason::none;  // there is nothing to go on with
  }

  // A device may not have done its last steps yet: they count the next time.
  void compare_pace() {
    const telemetry::Phases pace = telemetry_.take_pace();
    if (session_.place().ranks == 1) return;
    const double per_step_ms = 1e3 / static_cast<double>(std::max<std::int64_t>(pace.steps, 1));
    monitor_.compare((pace.step_s - pace.exposed_s) * per_step_ms, pace.data_wait_s * per_step_ms);
  }

  void report(std::int64_t done) {
    const health::GpuHealth gpu = monitor_.read_gpu();  // while the device still has steps to do
    const Worker::Metrics metrics = worker_.read_metrics();
    const telemetry::Score score =
        sum_over_ranks(engine_, metrics.loss_sum, metrics.correct, metrics.samples);
    const telemetry::Phases phases = telemetry_.take_phases();
    const double per_step_ms = 1e3 / static_cast<double>(std::max<std::int64_t>(phases.steps, 1));
    const std::vector<health::RankReport> ranks = monitor_.gather(
        {(phases.step_s - phases.exposed_s) * per_step_ms, phases.data_wait_s * per_step_ms, gpu});
    telemetry_.interval(done, phases, score, worker_.learning_rate(), ranks);
    if (verifying_) telemetry_.exchange_error(done, verifying_->take_nmse());
    if (score.samples > 0 && !std::isfinite(score.loss())) diverged("training loss", score.loss(), done);
  }

  // Every rank has this number, and throws.
  [[noreturn]] static void diverged(const char* what, double value, std::int64_t done) {
    throw comm::mpi::AgreedError(
        base::ExitCode::divergence,
        fmt::format("the {} is {} at step {}: lower optimizer.learning_rate or set optimizer.clip_norm", what,
                    std::isnan(value) ? "not a number" : "infinite", done));
  }

  void evaluate(std::int64_t done) {
    recorder_.begin_phase(base::Phase::evaluation, done);
    test_ = run::evaluate(session_, engine_, recorder_, done);
    telemetry_.evaluation(done, test_);
    if (!std::isfinite(test_.loss())) diverged("test loss", test_.loss(), done);
    if (target_reached())
      base::log_info("target accuracy {} reached at step {}", config_.evaluation.target_accuracy, done);
  }

  void save(std::int64_t done) {
    recorder_.begin_phase(base::Phase::checkpoint, done);
    saver_.save(done, hash_text(agreed_weight_hash(done)));
  }

  // The weights are numbers, and the same bits on every rank.
  std::uint64_t agreed_weight_hash(std::int64_t done) {
    session_.snapshot().load_weights_from_device(session_.stream());
    const std::uint64_t mine = session_.snapshot().weight_hash();
    std::vector<std::uint64_t> hashes;
    engine_.run([&](comm::mpi::Communicator& communicator) { hashes = communicator.all_gather(mine); });
    // Before the look for NaN: a flipped bit may itself make one, and this message names its rank.
    if (const auto mismatch = replica_mismatch(hashes))
      throw comm::mpi::AgreedError(base::ExitCode::divergence,
                                   fmt::format("after step {} {}", done, *mismatch));
    if (!session_.snapshot().weights_are_finite()) diverged("largest weight", NAN, done);
    return mine;
  }

  // The order matters: members are destroyed from the last to the first. The worker stops submitting before
  // the exchange goes, and the exchange before its engine.
  Session& session_;
  const config::JobConfig& config_;
  RunPlan plan_;
  config::RunLength length_;
  telemetry::Telemetry telemetry_;
  comm::engine::Engine engine_;
  std::unique_ptr<comm::GradientExchange> exchange_;
  std::unique_ptr<comm::VerifyingExchange> verifying_;  // null unless the job verifies
  base::FlightRecorder& recorder_;
  Saver saver_;
  StopRequest nobody_asks_;
  StopAgreement stop_;
  health::Monitor monitor_;
  Worker worker_;
  telemetry::Score test_;  // of the last evaluation
  StopReason stopped_ = StopReason::none;
};

}  // namespace

TrainResult train(Session& session, comm::mpi::Communicator& communicator, const RunPlan& run) {
  return Run(session, communicator, run).run();
}

}  // namespace eightfold::runtime::run
