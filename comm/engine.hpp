#pragma once

// The one thread of a rank that talks to MPI while a job trains. Whoever needs the network hands it a task:
// the exchange its buckets, the worker its sums, hashes and agreements. Tasks run one after the other in the
// order of submission; since every rank's worker submits the same tasks in the same order, their collectives
// meet. Idle, the thread sleeps: ranks may share cores.

#include "comm/communicator.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace eightfold::comm {

class Engine {
 public:
  using Task = std::function<void(Communicator&)>;
  // Counts submitted tasks; the number of a task is its place in the order.
  using Ticket = std::uint64_t;

  // Starts the thread. From here to the destructor nobody else may use `communicator`, which must outlive
  // this.
  explicit Engine(Communicator& communicator);
  // Finishes what was submitted, then stops. After a failure, what is left is dropped.
  ~Engine();
  Engine(const Engine&) = delete;  // owns a thread
  Engine& operator=(const Engine&) = delete;

  // Returns at once. A task that throws ends the engine: later ones are destroyed without having run, and
  // every wait throws its error. A task is destroyed when it has run, before anybody learns so.
  Ticket submit(Task task);
  // Blocks until the task has run. Throws the first error of any task.
  void wait(Ticket ticket);
  // Throws the first error of any task so far. Never blocks.
  void check();
  // submit and wait.
  void run(Task task) { wait(submit(std::move(task))); }

  int ranks() const noexcept { return ranks_; }

 private:
  void serve();
  void fail(const std::exception_ptr& failure);

  Communicator& communicator_;
  const int ranks_;
  std::mutex mutex_;
  std::condition_variable work_;  // something to do, or time to stop
  std::condition_variable done_;  // a task finished, or failed
  std::deque<Task> tasks_;
  Ticket submitted_ = 0;
  Ticket finished_ = 0;
  std::exception_ptr failure_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace eightfold::comm
