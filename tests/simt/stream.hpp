#pragma once

// Streams are system threads: what is enqueued on one runs in order, what is enqueued on two runs at once
// unless an event orders it. So a missing event is a real race; delays (SIMT_DELAY) give it time to happen.

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

enum class Touches { device_memory, host_only };

class Stream {
 public:
  Stream(int device, std::uint64_t seed);
  // Does everything enqueued first: a GPU would not wait.
  ~Stream();
  Stream(const Stream&) = delete;  // owns a thread
  Stream& operator=(const Stream&) = delete;

  int device() const noexcept { return device_; }
  Random& random() noexcept { return random_; }  // for its operations

  // A thrown exception becomes the stream's error for good, and later work is skipped.
  void enqueue(Touches touches, std::function<void()> work);
  // Also passed after an error: nobody waits for ever.
  std::shared_ptr<Mark> mark();
  // Later work starts after the mark.
  void wait(std::shared_ptr<Mark> mark);

  // Returns when everything enqueued so far is done, with the stream's error.
  cudaError_t synchronize();
  // Success, an error, or cudaErrorNotReady.
  cudaError_t query();

 private:
  struct Operation {
    Touches touches;
    bool runs_after_error;
    std::function<void()> work;
  };

  void push(Operation operation);
  void run();
  void perform(const Operation& operation);
  void sleep_at_random();

  const int device_;
  Random random_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Operation> operations_;
  bool is_busy_ = false;
  bool is_closing_ = false;
  cudaError_t error_ = cudaSuccess;
  std::thread thread_;  // last: it uses the others
};

// Enqueues work that may follow pointers to device memory, for stand-ins of libraries.
void enqueue(cudaStream_t stream, std::function<void()> work);

// The text of the last exception that became a stream's error; empty before the first. Lives to the program's
// end.
const char* last_failure();

}  // namespace eightfold::simt

// The runtime's handles are the stand-in's objects.
struct CUstream_st : eightfold::simt::Stream {
  using Stream::Stream;
};
