#pragma once

// Looks after the training of one rank from a thread of its own that never calls MPI. It beats the heart of
// the flight record (kernels/base/flight_record.hpp), ends the job with exit code 6 when a phase takes longer
// than its deadline, after saying which rank is late, and is where signals arrive that ask for something:
//
//   SIGUSR2           writes what the records of all ranks say as text, and goes on.
//   SIGTERM           ends the process with exit code 5 if another rank is lost, naming it; else as SIGUSR1.
//   SIGINT, SIGHUP    and the other base::kEndSignals: as SIGTERM. In a job of one rank a second one ends it.
//   SIGUSR1           calls the handler of on_signal(); without one it does what it does without a watchdog.
//
// Those that the process was told to ignore stay ignored.
// docs/reliability.md is the user's view.

#include "kernels/base/flight_record.hpp"
#include "runtime/config/job.hpp"

#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>

namespace eightfold::runtime::watchdog {

class Watchdog {
 public:
  // Blocks the signals in the calling thread, and so in all that it starts from now on: the main thread
  // makes one before MPI and everybody else start theirs. Until watch() start-up has its default deadline.
  // `recorder` is this process's own, and outlives this.
  explicit Watchdog(base::FlightRecorder& recorder);
  // Ends the thread; the calling thread gets its signals again.
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;  // owns a thread
  Watchdog& operator=(const Watchdog&) = delete;

  // Calls `handler` with SIGUSR1 or one of base::kEndSignals, on the watchdog's thread: it is quick and does
  // not throw. Replaces an earlier one; null: none. From any thread.
  void on_signal(std::function<void(int signal)> handler);
  // From now on these deadlines hold, and `flight` holds the records of all ranks that share it; empty: it
  // holds none, and this rank knows of no other. From any thread.
  void watch(const config::Watchdog& deadlines, const std::filesystem::path& flight);

 private:
  class Impl;
  sigset_t signals_;  // that arrive here
  std::unique_ptr<Impl> impl_;
};

}  // namespace eightfold::runtime::watchdog
