#pragma once

// Watches the training of one rank from a thread of its own that never calls MPI. It writes the heartbeats of
// the flight record (kernels/base/flight_record.hpp). When a phase takes longer than its deadline, it reports
// the late rank and ends the job with exit code 6. It also handles the signals of the process:
//
//   SIGUSR2           writes the records of all ranks as text.
//   SIGTERM           ends the process with exit code 5 if another rank is lost, naming it; else as SIGUSR1.
//   SIGINT, SIGHUP    and the other base::kEndSignals: as SIGTERM. In a job of one rank a second one ends it.
//   SIGUSR1           calls the handler of on_signal(); without a handler it has its default action.
//
// Signals that the process ignores stay ignored. docs/reliability.md is the user's view.

#include "kernels/base/flight_record.hpp"
#include "runtime/config/job.hpp"

#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>

namespace eightfold::runtime::watchdog {

class Watchdog {
 public:
  // Blocks the signals in the calling thread, and so in all threads that it starts from now on. So the main
  // thread makes a watchdog before MPI and the libraries start their threads. Until watch() start-up has its
  // default deadline. `recorder` is this process's own, and outlives this.
  explicit Watchdog(base::FlightRecorder& recorder);
  // Ends the thread; the calling thread gets its signals again.
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;  // owns a thread
  Watchdog& operator=(const Watchdog&) = delete;

  // Calls `handler` with SIGUSR1 or one of base::kEndSignals, on the watchdog's thread: it is quick and does
  // not throw. Replaces an earlier one; null: none. From any thread.
  void on_signal(std::function<void(int signal)> handler);
  // Sets the deadlines, and the directory with the records of all ranks that share it. `flight` empty: there
  // is none, and this rank knows of no other. From any thread.
  void watch(const config::Watchdog& deadlines, const std::filesystem::path& flight);

 private:
  class Impl;
  sigset_t signals_;  // that arrive here
  std::unique_ptr<Impl> impl_;
};

}  // namespace eightfold::runtime::watchdog
