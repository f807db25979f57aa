// eightfold launch
#include "launch/supervise/launch.hpp"

#include "kernels/base/clock.hpp"
#include "kernels/base/counted.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"
#include "launch/command/result.hpp"
#include "launch/process/silent_hosts.hpp"
#include "launch/supervise/attempt_log.hpp"
#include "launch/supervise/options.hpp"
#include "launch/supervise/restart_policy.hpp"
#include "runtime/checkpoint/store.hpp"
#include "runtime/run/run_directory.hpp"
#include "runtime/watchdog/report.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <utility>

namespace eightfold::launch::supervise {
namespace {

namespace fs = std::filesystem;
using base::ExitCode;
using Words = std::vector<std::string>;

// The step of the newest checkpoint that is complete; 0 if there is none.
std::int64_t newest_step(const fs::path& store) {
  const auto newest = runtime::checkpoint::newest_listed(store);
  return newest ? newest->manifest->step : 0;
}

std::string named(const std::vector<process::Host>& hosts) {
  return hosts.empty() ? "the same nodes" : fmt::format("{}", fmt::join(process::names_of(hosts), ", "));
}

// One job, from its first attempt to its last.
class Supervision {
 public:
  explicit Supervision(const LaunchPlan& plan)
      : plan_(plan),
        log_(plan.run_directory),
        store_(runtime::run::checkpoint_store(plan.job, plan.run_directory)),
        budget_(plan.max_restarts, plan.backoff),
        hosts_(plan.launcher.hosts),
        number_(log_.before()) {}

  // Returns when the job is done; else throws the Error with the exit code of launch.
  void run() {
    bool resumes = plan_.goes_on;
    base::log_info("attempt {}: {} by {}, run {}", number_ + 1, base::counted(plan_.ranks_on(hosts_), "rank"),
                   plan_.launcher.name(), plan_.run_directory.string());
    if (!plan_.job_text.empty()) base::write_file_durably(plan_.job_file(), plan_.job_text);
    while (!is_over(attempt(resumes))) resumes = true;
  }

 private:
  struct Decision {
    ExitCode code = ExitCode::done;                // of launch, if there is no other attempt
    std::optional<std::chrono::nanoseconds> wait;  // before the next attempt
    std::string next;
    std::string cause = {};  // of the end, where more is known than the launcher's standard error tells
  };

  Attempt attempt(bool resumes) {
    Attempt attempt{++number_,
                    base::utc_stamp(),
                    process::names_of(hosts_),
                    plan_.ranks_on(hosts_),
                    plan_.command(hosts_, resumes),
                    newest_step_or(known_step_),
                    0,
                    0,
                    {},
                    {}};
    const base::TimePoint start = base::Clock::now();
    const fs::file_time_type last_start = this->last_start();
    attempt.end = process::supervise_child(attempt.command, request_,
                                           [&, before = last_report()] { return last_report() > before; });
    attempt.seconds = base::seconds_since(start);
    has_started_ |= this->last_start() != last_start;
    attempt.left_at = known_step_ = newest_step_or(attempt.begun_at);
    return attempt;
  }

  // If the folder of checkpoints cannot be read now, the next attempt may still be able to.
  std::int64_t newest_step_or(std::int64_t otherwise) const {
    try {
      return newest_step(store_);
    } catch (const base::EnvironmentError& failure) {
      base::log_warn("{}", failure.what());
      return otherwise;
    }
  }

  // The time of the last report of ranks that ended because of another rank. Their launcher ends soon after
  // them, unless it waits for a host that is cut off.
  fs::file_time_type last_report() const {
    return last_change(runtime::watchdog::report_file(runtime::run::flight_directory(plan_.run_directory)));
  }
  // The time at which the ranks of an attempt last made their flight records.
  fs::file_time_type last_start() const {
    return last_change(runtime::run::flight_directory(plan_.run_directory));
  }
  static fs::file_time_type last_change(const fs::path& path) {
    std::error_code none;
    const auto time = fs::last_write_time(path, none);
    return none ? fs::file_time_type::min() : time;
  }

  bool is_over(Attempt attempt) {
    const Decision decision = decide(attempt);
    attempt.next = decision.next;
    attempt.cause = decision.cause;
    note(attempt);
    if (!decision.wait && decision.code == ExitCode::done) return true;
    const std::string line =
        fmt::format("attempt {} ended with {} after {:.1f} s, the newest checkpoint is of step {} ({}); {}",
                    attempt.number, describe(attempt.end), attempt.seconds, attempt.left_at, attempt.error(),
                    decision.next);
    if (!decision.wait) throw base::Error(decision.code, line, std::source_location::current());
    base::log_warn("{}", line);
    if (request_.comes_within(*decision.wait))
      throw base::Error(ExitCode::requeue, asked_to_end(), std::source_location::current());
    return false;
  }

  // A line that cannot be written does not end the job.
  void note(const Attempt& attempt) {
    try {
      log_.append(attempt);
    } catch (const base::EnvironmentError& failure) {
      base::log_warn("{}; the attempt is not on record", failure.what());
    }
  }

  // First come the ends that another attempt would not change. Hosts are asked only after that, because it
  // may take half a minute. The budget comes last: an attempt that cannot be made uses up nothing.
  Decision decide(const Attempt& attempt) {
    const Verdict verdict = verdict_on(attempt.end, run_state(attempt));
    if (verdict == Verdict::done) return {ExitCode::done, {}, "done"};
    const auto code = static_cast<ExitCode>(attempt.end.code);
    // An error of the job itself, such as a checkpoint that could not be written, is not attributed to the
    // signal.
    if (request_.signal()) return {is_own_end(attempt.end) ? code : ExitCode::requeue, {}, asked_to_end()};
    if (verdict == Verdict::final && code == ExitCode::requeue) return {code, {}, goes_on_from()};
    if (verdict == Verdict::final) return {code, {}, "another attempt would end the same"};
    const std::vector<process::SilentHost> silent = process::find_silent_hosts(plan_.launcher, request_);
    if (request_.signal()) return {ExitCode::requeue, {}, asked_to_end()};
    if (!has_started_ && cannot_start(silent))
      return {ExitCode::environment, {}, "another attempt would end the same", describe(silent)};
    leave_out(silent);
    if (verdict == Verdict::restart_elsewhere && process::names_of(hosts_) == attempt.hosts)
      return {ExitCode::environment, {}, "on the same hosts another attempt would end the same"};
    const auto wait = budget_.next(attempt.left_at > attempt.begun_at);
    if (!wait)
      return {ExitCode::peer_lost,
              {},
              fmt::format("that was the last of {} without a newer checkpoint",
                          base::counted(plan_.max_restarts, "restart"))};
    Words missing;
    for (const process::SilentHost& each : silent) missing.push_back(each.host.name);
    return {ExitCode::done, wait,
            fmt::format("{}attempt {} on {} in {}",
                        missing.empty() ? "" : fmt::format("no answer from {}; ", fmt::join(missing, ", ")),
                        attempt.number + 1, named(hosts_), base::format_duration(*wait))};
  }

  // A host that is down is left out. A host whose name cannot be resolved is a mistake of the user, and so is
  // a job without any host.
  bool cannot_start(const std::vector<process::SilentHost>& silent) const {
    if (silent.empty()) return false;
    return silent.size() == plan_.launcher.hosts.size() ||
           std::ranges::any_of(silent, &process::SilentHost::is_unknown);
  }

  RunState run_state(const Attempt& attempt) const {
    // On one host, exit code 0 comes from the ranks. On several, mpirun returns 0 even if it has lost one
    // (Open MPI 5).
    const int nodes = attempt.hosts.empty() ? plan_.nodes : static_cast<int>(attempt.hosts.size());
    const bool is_of_ranks = nodes < 2 || plan_.launcher.kind == process::LauncherKind::srun;
    const bool returned_done = attempt.end.how == process::ChildEnd::How::exited && attempt.end.code == 0;
    if ((returned_done && is_of_ranks) || runtime::run::has_ended(plan_.run_directory))
      return RunState::ended;
    return runtime::run::holds_run(plan_.run_directory) ? RunState::begun : RunState::unbegun;
  }

  // Leaves silent hosts out of the next attempt.
  void leave_out(const std::vector<process::SilentHost>& silent) {
    for (const process::SilentHost& each : silent)
      if (!each.reason.empty()) base::log_warn("{}", process::describe({each}));
    hosts_ = plan_.launcher.hosts;
    if (silent.size() == hosts_.size()) return;  // no host is left; some may come back
    std::erase_if(hosts_, [&](const process::Host& host) {
      return std::ranges::any_of(
          silent, [&](const process::SilentHost& each) { return each.host.name == host.name; });
    });
  }

  std::string goes_on_from() const {
    return fmt::format("--resume {} goes on from there", plan_.run_directory.string());
  }
  std::string asked_to_end() {
    return fmt::format("asked to end by signal {}; {}", request_.signal().value_or(0), goes_on_from());
  }

  const LaunchPlan& plan_;
  process::EndRequest request_{SIGUSR1};
  AttemptLog log_;
  fs::path store_;
  RestartBudget budget_;
  std::vector<process::Host> hosts_;  // of the next attempt
  int number_;
  bool has_started_ = false;     // whether ranks of any attempt have started their run
  std::int64_t known_step_ = 0;  // of the newest checkpoint, when the store could last be read
};

void launch_job(const LaunchOptions& options) {
  LaunchPlan plan = plan_of(options, slurm_allocation());
  if (options.is_dry) {
    fmt::print("{}\n", process::shell_words(plan.command(plan.launcher.hosts, plan.goes_on)));
    return;
  }
  if (!plan.goes_on) plan.run_directory = runtime::run::create_run_directory(plan.job.job);
  Supervision(plan).run();
}

}  // namespace

void add_launch(const command::Command& program, command::Action& chosen) {
  auto options = std::make_shared<LaunchOptions>();
  const command::Command command = program.add_command(
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
  command::run_alone(command, chosen, options, launch_job);
}

}  // namespace eightfold::launch::supervise
