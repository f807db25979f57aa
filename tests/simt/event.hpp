#pragma once

// Events: the last mark that was recorded.

#include "tests/simt/stream.hpp"

#include <memory>
#include <mutex>

namespace eightfold::simt {

class Event {
 public:
  Event(int device, bool has_time) : device_(device), has_time_(has_time) {}

  int device() const noexcept { return device_; }
  bool has_time() const noexcept { return has_time_; }
  void set(std::shared_ptr<Mark> mark) {
    const std::lock_guard lock(mutex_);
    mark_ = std::move(mark);
  }
  // Null before the first record.
  std::shared_ptr<Mark> mark() const {
    const std::lock_guard lock(mutex_);
    return mark_;
  }

 private:
  const int device_;
  const bool has_time_;
  mutable std::mutex mutex_;
  std::shared_ptr<Mark> mark_;
};

}  // namespace eightfold::simt

struct CUevent_st : eightfold::simt::Event {
  using Event::Event;
};
