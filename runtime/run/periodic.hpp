#pragma once

// The jobs that a run does between two steps, each at its own intervals.

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace eightfold::runtime::run {

// One such job. `done` is the number of steps done so far, which all ranks have in common. The answers of the
// predicates must be the same on all ranks where `act` is collective.
struct Periodic {
  using Due = std::function<bool(std::int64_t done)>;
  static bool never(std::int64_t) { return false; }
  static bool always(std::int64_t) { return true; }

  std::function<void(std::int64_t done)> act;
  Due at_start = never;
  Due after_step = never;
  Due at_end = never;  // asked only if `act` was not called at this very step
};

// A list of jobs. Those that are due at the same time act in the order of the list.
class PeriodicJobs {
 public:
  explicit PeriodicJobs(std::vector<Periodic> jobs) {
    for (Periodic& each : jobs) jobs_.push_back({std::move(each), std::nullopt});
  }

  // Before the first step of this process.
  void at_start(std::int64_t done) { act_where(done, &Periodic::at_start); }
  void after_step(std::int64_t done) { act_where(done, &Periodic::after_step); }
  // After the last step.
  void at_end(std::int64_t done) {
    for (Job& job : jobs_)
      if (job.last_act != done) act_if_due(job, done, &Periodic::at_end);
  }

 private:
  struct Job {
    Periodic periodic;
    std::optional<std::int64_t> last_act;
  };

  void act_where(std::int64_t done, Periodic::Due Periodic::*due) {
    for (Job& job : jobs_) act_if_due(job, done, due);
  }
  static void act_if_due(Job& job, std::int64_t done, Periodic::Due Periodic::*due) {
    if (!(job.periodic.*due)(done)) return;
    job.last_act = done;
    job.periodic.act(done);
  }

  std::vector<Job> jobs_;
};

}  // namespace eightfold::runtime::run
