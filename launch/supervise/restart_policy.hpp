#pragma once

// Whether a job that has ended is started again, and when. Pure decisions.

#include "launch/process/child_process.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace eightfold::launch::supervise {

// What the end of a job's ranks means.
enum class Verdict {
  done,
  final,              // another attempt would end the same, or somebody has asked for the end
  restart,            // a rank was lost, or hung
  restart_elsewhere,  // a host cannot do it: only where that host is left out
};
enum class RunState {
  unbegun,  // it has not even written its job. What a launcher cannot start is mostly a mistake
  begun,
  ended
};
Verdict verdict_on(const process::ChildEnd& end, RunState run);

// Of a job that is not done, whether it has come to its end by itself: nobody killed it, and no rank was lost
// or hung.
bool is_own_end(const process::ChildEnd& end);

// "exit code 137 (signal 9)", "signal 9"
std::string describe(const process::ChildEnd& end);

// How often a job is started again. An attempt that has left a newer checkpoint makes up for all before it.
class RestartBudget {
 public:
  RestartBudget(int limit, std::chrono::nanoseconds backoff) : limit_(limit), backoff_(backoff) {}

  // How long to wait before the next attempt, twice as long each time, up to a minute; nothing when there is
  // to be none. `progressed`: the attempt that has ended left a newer checkpoint.
  std::optional<std::chrono::nanoseconds> next(bool progressed);

 private:
  int limit_, used_ = 0;
  std::chrono::nanoseconds backoff_;
};

}  // namespace eightfold::launch::supervise
