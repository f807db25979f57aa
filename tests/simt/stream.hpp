#pragma once

// Streams are system threads: what is enqueued on one runs in order, what is enqueued on two runs at once
// unless an event orders it. So a missing event is a real race; delays (SIMT_DELAY) give it time to happen.
// Streams that share a hardware queue begin their operations in the order in which they were enqueued.

#include "tests/simt/deadlock.hpp"
#include "tests/simt/hardware_queue.hpp"
#include "tests/simt/settings.hpp"

#include <driver_types.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace eightfold::simt {

// A moment of a stream: passed at most once.
class Mark {
 public:
  void pass();
  void wait();
  bool is_passed();
  std::chrono::steady_clock::time_point passed_at();

 private:
  std::mutex mutex_;
  std::condition_variable passed_;
  bool is_passed_ = false;
  std::chrono::steady_clock::time_point when_;
};

enum class Kind {
  device_work,    // follows pointers to device memory
  bookkeeping,    // the runtime's own, which takes no time; done also after an error: nobody waits for ever
  event_wait,     // as bookkeeping, but it holds up its hardware queue until it is over
  host_function,  // holds up its hardware queue too
};

class Stream {
 public:
  // `number` names it in messages. Without a queue it shares none.
  Stream(int device, std::uint64_t seed, int number, HardwareQueue* queue);
  // Does everything enqueued first: a GPU would not wait.
  ~Stream();
  Stream(const Stream&) = delete;  // owns a thread
  Stream& operator=(const Stream&) = delete;

  int device() const noexcept { return device_; }
  Random& random() noexcept { return random_; }  // for its operations

  // A thrown exception becomes the stream's error for good, and later work is skipped.
  void enqueue(Kind kind, std::function<void()> work);
  std::shared_ptr<Mark> mark();
  // Later work starts after the mark.
  void wait(std::shared_ptr<Mark> mark);

  // Returns when everything enqueued so far is done, with the stream's error.
  cudaError_t synchronize(Reason reason);
  // Success, an error, or cudaErrorNotReady.
  cudaError_t query();

  struct Condition {
    std::uint64_t done = 0;  // operations
    bool is_idle = true;
    std::string obstacle;  // what keeps it from going on, in words; empty if nothing does
  };
  Condition condition();

 private:
  struct Operation {
    Kind kind;
    std::function<void()> work;
    std::shared_ptr<Mark> awaited;  // of an event_wait
    std::uint64_t place = 0;        // in the hardware queue
  };

  bool has_done(std::uint64_t operations);
  void push(Operation operation);
  void run();
  void run_in_turn(const Operation& operation, bool is_skipped);
  void perform(const Operation& operation);
  std::string obstacle_of(const Operation& operation);
  void sleep_at_random();

  const int device_;
  const int number_;
  HardwareQueue* const queue_;
  Random random_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Operation> operations_;  // the first is being done
  std::uint64_t enqueued_ = 0;        // so many operations so far,
  std::uint64_t done_ = 0;            // and so many of them are done
  bool is_closing_ = false;
  cudaError_t error_ = cudaSuccess;
  std::thread thread_;  // last: it uses the others
};

// Enqueues work that may follow pointers to device memory, for stand-ins of libraries. `kernel` is what it
// would load with its first use.
void enqueue(cudaStream_t stream, std::function<void()> work, const void* kernel = nullptr);

// The text of the last exception that became a stream's error; empty before the first. Lives to the program's
// end.
const char* last_failure();

}  // namespace eightfold::simt

// The runtime's handles are the stand-in's objects.
struct CUstream_st : eightfold::simt::Stream {
  using Stream::Stream;
};
