#include "tests/simt/runtime_lock.hpp"

#include "tests/simt/deadlock.hpp"
#include "tests/simt/settings.hpp"

#include <condition_variable>
#include <mutex>

namespace eightfold::simt {
namespace {

// One thread may take it and another release it.
struct State {
  std::mutex mutex;
  std::condition_variable released;
  bool is_taken = false;
};

// Never destroyed: streams release it to the program's very end.
State& state() {
  static State& result = *new State;
  return result;
}

bool is_wanted() {
  return settings().is_lazy || settings().is_pageable_locking;
}

}  // namespace

RuntimeLock::RuntimeLock(const char* call) {
  if (!is_wanted()) return;
  State& all = state();
  const HostWait waiting({call, "the lock of the runtime"}, [&] {
    const std::lock_guard lock(all.mutex);
    return !all.is_taken;
  });
  std::unique_lock lock(all.mutex);
  all.released.wait(lock, [&] { return !all.is_taken; });
  all.is_taken = true;
}

RuntimeLock::~RuntimeLock() {
  if (!is_kept_) release_runtime_lock();
}

void release_runtime_lock() {
  if (!is_wanted()) return;
  State& all = state();
  {
    const std::lock_guard lock(all.mutex);
    all.is_taken = false;
  }
  all.released.notify_one();
}

}  // namespace eightfold::simt
