// eightfold launch
#include "kernels/base/clock.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"
#include "launch/attempt_log.hpp"
#include "launch/command.hpp"
#include "launch/launch_options.hpp"
#include "launch/restart_policy.hpp"
#include "launch/result.hpp"
#include "runtime/checkpoint/store.hpp"
#include "runtime/run_directory.hpp"
#include "runtime/watchdog/report.hpp"

#include <fmt/ranges.h>

#include <csignal>
#include <memory>
#include <utility>

namespace eightfold::launch {
namespace {

namespace fs = std::filesystem;
using base::ExitCode;
using Words = std::vector<std::string>;

constexpr std::chrono::seconds kAnswerLimit{30};

// The step of the newest checkpoint that is complete; 0 if there is none.
std::int64_t newest_step(const fs::path& store) {
  const auto newest = runtime::checkpoint::newest_listed(store);
  return newest ? newest->manifest->step : 0;
}

std::string named(const Words& hosts) {
  return hosts.empty() ? "the same nodes" : fmt::format("{}", fmt::join(hosts, ", "));
}

// One job, from its first attempt to its last.
class Supervision {
 public:
  explicit Supervision(const LaunchPlan& plan)
      : plan_(plan),
        log_(plan.run_directory),
        store_(runtime::checkpoint_store(plan.job, plan.run_directory)),
        budget_(plan.max_restarts, plan.backoff),
        hosts_(plan.launcher.hosts),
        number_(log_.before()) {}

  // Returns when the job is done; else throws the Error with the exit code of launch.
  void run() {
    bool resumes = plan_.goes_on;
    base::log_info("attempt {}: {} ranks by {}, run {}", number_ + 1, plan_.nodes * plan_.ranks_per_node,
                   plan_.launcher.name(), plan_.run_directory.string());
    while (!is_over(attempt(resumes))) resumes = true;
  }

 private:
  struct Decision {
    ExitCode code = ExitCode::done;                // of launch, if there is no other attempt
    std::optional<std::chrono::nanoseconds> wait;  // before the next attempt
    std::string words;
  };

  Attempt attempt(bool resumes) {
    Attempt attempt{++number_,
                    base::utc_stamp(),
                    hosts_,
                    plan_.nodes_on(hosts_) * plan_.ranks_per_node,
                    plan_.command(hosts_, resumes),
                    newest_step_or(known_step_),
                    0,
                    0,
                    {},
                    {}};
    const base::TimePoint start = base::Clock::now();
    attempt.end = supervise_child(attempt.command, request_,
                                  [&, before = last_report()] { return last_report() > before; });
    attempt.seconds = base::seconds_since(start);
    attempt.left_at = known_step_ = newest_step_or(attempt.begun_at);
    return attempt;
  }

  // A folder that cannot be read has been of no use to the attempt, and may be to the next.
  std::int64_t newest_step_or(std::int64_t otherwise) const {
    try {
      return newest_step(store_);
    } catch (const base::EnvironmentError& failure) {
      base::log_warn("{}", failure.what());
      return otherwise;
    }
  }

  // When ranks that end because of another last wrote down why. Their launcher ends soon after them, unless
  // it waits for a host that is cut off.
  fs::file_time_type last_report() const {
    std::error_code none;
    const auto time =
        fs::last_write_time(runtime::report_file(runtime::flight_directory(plan_.run_directory)), none);
    return none ? fs::file_time_type::min() : time;
  }

  bool is_over(Attempt attempt) {
    const Decision decision = decide(attempt);
    attempt.next = decision.words;
    note(attempt);
    if (!decision.wait && decision.code == ExitCode::done) return true;
    const std::string line =
        fmt::format("attempt {} ended with {} after {:.1f} s, the newest checkpoint is of step {} ({}); {}",
                    attempt.number, describe(attempt.end), attempt.seconds, attempt.left_at,
                    last_words(attempt.end.said), decision.words);
    if (!decision.wait) throw base::Error(decision.code, line, std::source_location::current());
    base::log_warn("{}", line);
    if (request_.comes_within(*decision.wait))
      throw base::Error(ExitCode::requeue, asked_to_end(), std::source_location::current());
    return false;
  }

  // Its line is worth less than the job.
  void note(const Attempt& attempt) {
    try {
      log_.append(attempt);
    } catch (const base::EnvironmentError& failure) {
      base::log_warn("{}; the attempt is not on record", failure.what());
    }
  }

  Decision decide(const Attempt& attempt) {
    const Verdict verdict = verdict_on(attempt.end, run_state(attempt));
    if (verdict == Verdict::done) return {ExitCode::done, {}, "done"};
    const auto code = static_cast<ExitCode>(attempt.end.code);
    // An end of the job's own, such as a checkpoint that could not be written, is not the signal's.
    if (request_.signal()) return {is_own_end(attempt.end) ? code : ExitCode::requeue, {}, asked_to_end()};
    if (verdict == Verdict::final && code == ExitCode::requeue) return {code, {}, goes_on_from()};
    if (verdict == Verdict::final) return {code, {}, "another attempt would end the same"};
    const Words silent = find_silent_hosts();
    const bool same_hosts = hosts_ == attempt.hosts;
    if (request_.signal()) return {ExitCode::requeue, {}, asked_to_end()};
    if (verdict == Verdict::restart_elsewhere && same_hosts)
      return {ExitCode::environment, {}, "on the same hosts another attempt would end the same"};
    const auto wait = budget_.next(attempt.left_at > attempt.begun_at);
    if (!wait)
      return {ExitCode::peer_lost,
              {},
              fmt::format("that was the last of {} restarts without a newer checkpoint", plan_.max_restarts)};
    return {ExitCode::done, wait,
            fmt::format("{}attempt {} on {} in {}",
                        silent.empty() ? "" : fmt::format("no answer from {}; ", fmt::join(silent, ", ")),
                        attempt.number + 1, named(hosts_), base::format_duration(*wait))};
  }

  RunState run_state(const Attempt& attempt) const {
    // On one host, exit code 0 is the ranks' own word. Of several, an mpirun may have lost one.
    const bool is_own_word = plan_.nodes_on(attempt.hosts) < 2 || plan_.launcher.kind == LauncherKind::srun;
    const bool said_done = attempt.end.how == ChildEnd::How::exited && attempt.end.code == 0;
    if ((said_done && is_own_word) || runtime::has_ended(plan_.run_directory)) return RunState::ended;
    return runtime::holds_run(plan_.run_directory) ? RunState::begun : RunState::unbegun;
  }

  // Leaves in hosts_ those that answer, asked by the very way that ranks would be started; returns the
  // others.
  Words find_silent_hosts() {
    const Words& all = plan_.launcher.hosts;
    if (all.size() < 2) return {};
    std::vector<Words> questions;
    for (const std::string& host : all)
      questions.push_back(plan_.launcher.on({host}).command(1, 1, {"true"}));
    const std::vector<ChildEnd> answers = run_children(questions, kAnswerLimit, request_);
    Words silent;
    hosts_.clear();
    for (std::size_t i = 0; i < all.size(); ++i)
      (answers[i].how == ChildEnd::How::exited && answers[i].code == 0 ? hosts_ : silent).push_back(all[i]);
    if (hosts_.empty()) hosts_ = all;  // nothing to choose from; they may come back
    return silent;
  }

  std::string goes_on_from() const {
    return fmt::format("--resume {} goes on from there", plan_.run_directory.string());
  }
  std::string asked_to_end() {
    return fmt::format("asked to end by signal {}; {}", request_.signal().value_or(0), goes_on_from());
  }

  const LaunchPlan& plan_;
  EndRequest request_{SIGUSR1};
  AttemptLog log_;
  fs::path store_;
  RestartBudget budget_;
  Words hosts_;  // of the next attempt
  int number_;
  std::int64_t known_step_ = 0;  // of the newest checkpoint, when the store could last be read
};

void launch_job(const LaunchOptions& options) {
  LaunchPlan plan = plan_of(options, slurm_allocation());
  if (options.is_dry) {
    fmt::print("{}\n", shell_words(plan.command(plan.launcher.hosts, plan.goes_on)));
    return;
  }
  if (!plan.goes_on) plan.run_directory = runtime::create_run_directory(plan.job.job);
  Supervision(plan).run();
}

}  // namespace

void add_launch(const Command& program, Action& chosen) {
  auto options = std::make_shared<LaunchOptions>();
  const Command command = program.add_command(
      "launch", "Train a job under mpirun or srun, and start it again when a rank is lost");
  command.footer(
      "  eightfold launch JOB --hosts a,b,c --ranks-per-node 8\n"
      "starts `eightfold train` on these hosts. After a loss it goes on from the newest checkpoint, on the "
      "hosts "
      "that\n"
      "still answer. attempts.jsonl in the run's directory has a line for every attempt. Interrupted, it "
      "lets the "
      "job\n"
      "write a checkpoint. docs/launching.md has the rest.");
  options->add_to(command);
  command.callback(
      [options, &chosen] { chosen = [options] { return alone([&] { launch_job(*options); }); }; });
}

}  // namespace eightfold::launch
