#pragma once

// Decides whether and when a job that has ended is restarted. Pure functions of the end.

#include "launch/process/child_process.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace eightfold::launch::supervise {

// The meaning of the end of a job's ranks.
enum class Verdict {
  done,
  final,              // another attempt would end the same, or the end was requested
  restart,            // a rank was lost, or hung
  restart_elsewhere,  // a host fails: restarted only if that host can be left out
};
enum class RunState {
  unbegun,  // before the run has written anything: mostly a mistake in the launcher's arguments
  begun,
  ended
};
Verdict verdict_on(const process::ChildEnd& end, RunState run);

// True if an unfinished job ended by itself: it was not killed, and no rank was lost or hung.
bool is_own_end(const process::ChildEnd& end);

// "exit code 137 (signal 9)", "signal 9"
std::string describe(const process::ChildEnd& end);

// Counts restarts in a row. An attempt that leaves a newer checkpoint resets the count.
class RestartBudget {
 public:
  RestartBudget(int limit, std::chrono::nanoseconds backoff) : limit_(limit), backoff_(backoff) {}

  // The wait before the next attempt, doubled each time up to a minute; nothing if restarts are used up.
  // `progressed`: the last attempt left a newer checkpoint.
  std::optional<std::chrono::nanoseconds> next(bool progressed);

 private:
  int limit_, used_ = 0;
  std::chrono::nanoseconds backoff_;
};

}  // namespace eightfold::launch::supervise
