#pragma once

// The one thread of a rank that calls MPI while a job trains. The exchange submits buckets to it, the worker
// sums, hashes and agreements. Work starts in the order of submission. Every rank's worker submits the same
// work in the same order, so messages and collectives match.
//
// Work of two kinds: a task, which blocks and has the thread for itself, and operations, several of which
// move on side by side (comm/engine/bucket_operation.hpp). When nothing can move, the thread polls for a
// moment, then sleeps between polls: ranks may share cores.
//
// comm/simulator/simulated_rank.cpp repeats this policy on modelled hardware: the order of starting,
// kUnderWay and who goes first. A change here changes it there, or the simulator predicts another program.

#include "comm/engine/bucket_operation.hpp"
#include "comm/mpi/communicator.hpp"
#include "kernels/base/flight_record.hpp"
#include "kernels/device.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace eightfold::comm::engine {

class Engine {
 public:
  using Task = std::function<void(mpi::Communicator&)>;
  // Called again and again until it says Progress::over; it does not wait.
  using Work = std::function<Progress(mpi::Communicator&)>;
  // The message that such work waits for. Called for work that has not moved for a while.
  using WaitsFor = std::function<base::Wait()>;
  // Counts what was submitted; the number of a piece of work is its place in the order.
  using Ticket = std::uint64_t;

  // Work has the engine for itself, or moves on beside other concurrent work.
  enum class Sharing { exclusive, concurrent };
  // So many pieces of work are under way at once at most.
  static constexpr std::size_t kUnderWay = 4;

  // Starts the thread. From here to the destructor nobody else may use `communicator`, which must outlive
  // this. The thread selects `device` (kernels/device.hpp) first; where that fails, no work is done.
  explicit Engine(mpi::Communicator& communicator, kernels::Device device = {});
  // Finishes what was submitted, then stops. After a failure, what is left is dropped.
  ~Engine();
  Engine(const Engine&) = delete;  // owns a thread
  Engine& operator=(const Engine&) = delete;

  // Return at once. Work that throws ends the engine: later and unfinished work is destroyed, and every wait
  // throws its error. Work is destroyed when it is over, before any wait for it returns.
  Ticket submit(Task task);
  Ticket submit(Work work, Sharing sharing, WaitsFor waits_for = {});
  // Blocks until this and all earlier work is over. Throws the first error of any.
  void wait(Ticket ticket);
  // Throws the first error so far. Never blocks.
  void check();
  // submit and wait.
  void run(Task task) { wait(submit(std::move(task))); }

  int ranks() const noexcept { return ranks_; }
  // For work on the engine's thread, and for what never changes, such as its ranks.
  mpi::Communicator& communicator() const noexcept { return communicator_; }
  // The communicator's. Any thread.
  base::FlightRecorder& flight_recorder() const noexcept { return communicator_.flight_recorder(); }

 private:
  struct Item {
    Ticket ticket;
    Work work;
    Sharing sharing;
    WaitsFor waits_for;
  };

  void serve();
  bool has_work() const { return !waiting_.empty() || !under_way_.empty(); }
  void rest(std::unique_lock<std::mutex>& lock);
  void start_ready();
  bool advance_all();
  void report_wait() const;
  void finish(bool moved);
  void fail(const std::exception_ptr& failure);

  mpi::Communicator& communicator_;
  const kernels::Device device_;
  const int ranks_;
  std::mutex mutex_;
  std::condition_variable work_;  // something to do, or time to stop
  std::condition_variable done_;  // something is over, or failed
  std::deque<Item> waiting_;
  std::deque<Item> under_way_;  // the engine thread's alone
  Ticket submitted_ = 0;
  Ticket finished_ = 0;  // this one and all before it
  std::exception_ptr failure_;
  bool has_failed_ = false;  // and all work is destroyed
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace eightfold::comm::engine
