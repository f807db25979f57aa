#pragma once

// What streams share on the way to a device: a queue whose operations begin in the order in which they were
// enqueued. One that must wait (for its stream, an event, a host function) holds up all behind it, whichever
// their streams are. A device has few such queues (CUDA_DEVICE_MAX_CONNECTIONS).

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace eightfold::simt {

class HardwareQueue {
 public:
  explicit HardwareQueue(int number) : number_(number) {}

  int number() const noexcept { return number_; }

  // Takes the last place.
  std::uint64_t add() {
    const std::lock_guard lock(mutex_);
    return added_++;
  }
  // Returns when all earlier places were left.
  void wait_for_turn(std::uint64_t place) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return place == left_; });
  }
  // By whoever has the turn: it goes to the next place.
  void leave() {
    {
      const std::lock_guard lock(mutex_);
      ++left_;
    }
    changed_.notify_all();
  }
  // Whether an earlier place is taken.
  bool is_behind_others(std::uint64_t place) {
    const std::lock_guard lock(mutex_);
    return place > left_;
  }

 private:
  const int number_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t added_ = 0;
  std::uint64_t left_ = 0;
};

}  // namespace eightfold::simt
