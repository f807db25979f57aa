#include "runtime/run/train.hpp"

#include "comm/engine/engine.hpp"
#include "comm/mpi/agreed_error.hpp"
#include "comm/verifying_exchange.hpp"
#include "kernels/base/log.hpp"
#include "runtime/health/monitor.hpp"
#include "runtime/run/evaluation.hpp"
#include "runtime/run/exchange.hpp"
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
        engine_(communicator),
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
                telemetry_, recorder_),
        reported_step_(plan.first_step) {}

  TrainResult run() {
    const base::TimePoint start = base::Clock::now();
    log_exchange(session_, *exchange_);
    telemetry_.begin(plan_.first_step);
    std::int64_t done = plan_.first_step;
    // A run that had reached its target when it was saved has nothing more to do.
    if (done > 0 && config_.evaluation.target_accuracy > 0 && evaluates_after(done)) evaluate(done);
    if (done > 0 && (done >= length_.steps || target_reached()))
      base::log_info("nothing was left to do: the checkpoint is of step {}, the job ends after {}", done,
                     target_reached() ? done : length_.steps);
    StopReason stopped = StopReason::none;
    while (done < length_.steps && !target_reached() && stopped == StopReason::none) {
      stop_.ask(2 * saver_.longest());  // one may be under way
      done = worker_.step() + 1;
      for (const telemetry::SkippedStep& each : session_.guard().take_skipped()) telemetry_.skipped(each);
      stopped = stop_.answer();
      if (done == length_.steps) stopped = StopReason::none;  // there is nothing to go on with
      telemetry_.progress(done);
      if (done % health::kPaceSteps == 0) compare_pace();
      if (done % config_.telemetry.interval == 0 || done == length_.steps || ends_epoch(done)) report(done);
      // Whoever is asked to stop has no time to lose.
      if (evaluates_after(done) && stopped == StopReason::none) evaluate(done);
      if (saves_after(done)) {
        save(done);
      } else if (compares_replicas_after(done)) {
        agreed_weight_hash(done);
      }
    }
    if (reported_step_ != done) report(done);  // stopped between two reports
    if (evaluated_step_ != done && stopped == StopReason::none) evaluate(done);
    if (saved_step_ != done && (config_.checkpoint.every >= 0 || stopped != StopReason::none)) save(done);
    recorder_.begin_phase(base::Phase::checkpoint, done);
    const std::string hash = agreed_weight_hash(done);
    const std::optional<std::string> unsaved = saver_.finish();
    monitor_.finish();
    telemetry_.end(done);
    return {test_.accuracy(), test_.loss(), done, base::seconds_since(start), hash, unsaved, stopped};
  }

 private:
  bool ends_epoch(std::int64_t done) const { return done % length_.steps_per_epoch == 0; }
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
  bool target_reached() const {
    const double target = config_.evaluation.target_accuracy;
    return target > 0 && test_.samples > 0 && test_.accuracy() >= target;
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
    const Worker::Totals totals = worker_.take_totals();
    const telemetry::Score score = sum_over_ranks(engine_, totals.loss_sum, totals.correct, totals.samples);
    reported_step_ = done;
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
    evaluated_step_ = done;
    telemetry_.evaluation(done, test_);
    if (!std::isfinite(test_.loss())) diverged("test loss", test_.loss(), done);
    if (target_reached())
      base::log_info("target accuracy {} reached at step {}", config_.evaluation.target_accuracy, done);
  }

  void save(std::int64_t done) {
    recorder_.begin_phase(base::Phase::checkpoint, done);
    saver_.save(done, agreed_weight_hash(done));
    saved_step_ = done;
  }

  // The weights are numbers, and the same bits on every rank.
  std::string agreed_weight_hash(std::int64_t done) {
    session_.snapshot().load_weights_from_device(session_.stream());
    std::string mine = session_.snapshot().weight_hash();
    std::vector<std::uint64_t> hashes;
    engine_.run([&](comm::mpi::Communicator& communicator) {
      hashes = communicator.all_gather(std::stoull(mine, nullptr, 16));
    });
    if (const auto complaint = replica_complaint(hashes))
      throw comm::mpi::AgreedError(base::ExitCode::divergence,
                                   fmt::format("after step {} {}", done, *complaint));
    if (!session_.snapshot().weights_are_finite()) diverged("largest weight", NAN, done);
    return mine;
  }

  Session& session_;
  const config::JobConfig& config_;
  RunPlan plan_;
  config::RunLength length_;
  telemetry::Telemetry telemetry_;
  comm::engine::Engine engine_;
  std::unique_ptr<comm::Exchange> exchange_;
  std::unique_ptr<comm::VerifyingExchange> verifying_;  // null unless the job verifies
  base::FlightRecorder& recorder_;
  Saver saver_;
  StopRequest nobody_asks_;
  StopAgreement stop_;
  health::Monitor monitor_;
  Worker worker_;
  std::int64_t reported_step_;
  telemetry::Score test_;
  std::optional<std::int64_t> evaluated_step_, saved_step_;
};

}  // namespace

TrainResult train(Session& session, comm::mpi::Communicator& communicator, const RunPlan& run) {
  return Run(session, communicator, run).run();
}

}  // namespace eightfold::runtime::run
