#include "tests/simt/host_functions.hpp"

#include "tests/simt/settings.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace eightfold::simt {
namespace {

thread_local bool is_host_function_running = false;

void run_here(cudaHostFn_t function, void* data) {
  is_host_function_running = true;
  function(data);
  is_host_function_running = false;
}

// Runs functions one after the other, in the order in which streams come to them.
class SharedThread {
 public:
  SharedThread() {
    std::thread([this] { work(); }).detach();
  }

  void run(cudaHostFn_t function, void* data) {
    Call call{function, data, false};
    std::unique_lock lock(mutex_);
    calls_.push_back(&call);
    changed_.notify_all();
    changed_.wait(lock, [&] { return call.is_done; });
  }

 private:
  struct Call {
    cudaHostFn_t function;
    void* data;
    bool is_done;
  };

  [[noreturn]] void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return !calls_.empty(); });
      Call& call = *calls_.front();
      calls_.pop_front();
      lock.unlock();
      run_here(call.function, call.data);
      lock.lock();
      call.is_done = true;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Call*> calls_;
};

// Never destroyed: a function may be waiting in it when the program ends.
SharedThread& shared_thread() {
  static SharedThread& result = *new SharedThread;
  return result;
}

}  // namespace

void run_host_function(cudaHostFn_t function, void* data) {
  if (settings().host_threads == 0)
    run_here(function, data);
  else
    shared_thread().run(function, data);
}

bool is_in_host_function() {
  return is_host_function_running;
}

}  // namespace eightfold::simt
