#include "launch/supervise/restart_policy.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>

namespace eightfold::launch::supervise {
namespace {

constexpr std::chrono::nanoseconds kLongestWait = std::chrono::seconds(60);
// A launcher returns 128 + signal if a signal has ended a rank.
constexpr int kSignalBase = 128, kSignals = 64;

}  // namespace

Verdict verdict_on(const process::ChildEnd& end, RunState run) {
  if (end.how != process::ChildEnd::How::exited)
    return end.how == process::ChildEnd::How::interrupted ? Verdict::final : Verdict::restart;
  switch (static_cast<base::ExitCode>(end.code)) {
    case base::ExitCode::done:  // also what the mpirun of Open MPI 5 returns when it has lost a host
      if (run == RunState::ended) return Verdict::done;
      return run == RunState::begun ? Verdict::restart : Verdict::restart_elsewhere;
    case base::ExitCode::usage:
    case base::ExitCode::data:
    case base::ExitCode::divergence:
    case base::ExitCode::requeue:
      return Verdict::final;
    case base::ExitCode::environment:
      return Verdict::restart_elsewhere;
    case base::ExitCode::internal:  // also what mpirun returns when it cannot start a rank
      return run == RunState::unbegun ? Verdict::restart_elsewhere : Verdict::restart;
    case base::ExitCode::peer_lost:
    case base::ExitCode::watchdog:
      return Verdict::restart;
  }
  return Verdict::restart;  // codes of launchers
}

bool is_own_end(const process::ChildEnd& end) {
  if (end.how != process::ChildEnd::How::exited) return false;
  switch (static_cast<base::ExitCode>(end.code)) {
    case base::ExitCode::internal:
    case base::ExitCode::usage:
    case base::ExitCode::environment:
    case base::ExitCode::data:
    case base::ExitCode::divergence:
    case base::ExitCode::requeue:
      return true;
    case base::ExitCode::done:  // this the run says itself
    case base::ExitCode::peer_lost:
    case base::ExitCode::watchdog:
      return false;
  }
  return false;
}

std::string describe(const process::ChildEnd& end) {
  if (end.how == process::ChildEnd::How::interrupted) return "a second request to end";
  if (end.how == process::ChildEnd::How::hung) return "a launcher that did not end after its ranks";
  if (end.how == process::ChildEnd::How::killed) return fmt::format("signal {}", end.code);
  if (end.code > kSignalBase && end.code <= kSignalBase + kSignals)
    return fmt::format("exit code {} (signal {})", end.code, end.code - kSignalBase);
  return fmt::format("exit code {}", end.code);
}

std::optional<std::chrono::nanoseconds> RestartBudget::next(bool progressed) {
  if (progressed) used_ = 0;
  if (used_ >= limit_) return std::nullopt;
  std::chrono::nanoseconds wait = backoff_;
  // It stops at the bound, so that many restarts cannot overflow the time.
  for (int i = 0; i < used_ && wait < kLongestWait; ++i) wait = std::min(2 * wait, kLongestWait);
  ++used_;
  return wait;
}

}  // namespace eightfold::launch::supervise
