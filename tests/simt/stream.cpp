#include "tests/simt/stream.hpp"

#include "tests/simt/memory.hpp"

#include <fmt/format.h>

#include <atomic>
#include <exception>

namespace eightfold::simt {
namespace {

std::atomic<const char*> failure{""};

// Kept for ever: cudaGetErrorString gives the pointer away.
void remember_failure(const char* text) {
  static std::mutex mutex;
  static auto& texts = *new std::deque<std::string>;
  const std::lock_guard lock(mutex);
  failure = texts.emplace_back(text).c_str();
}

}  // namespace

const char* last_failure() {
  return failure;
}

void Mark::pass() {
  const std::lock_guard lock(mutex_);
  is_passed_ = true;
  when_ = std::chrono::steady_clock::now();
  passed_.notify_all();
}

void Mark::wait() {
  std::unique_lock lock(mutex_);
  passed_.wait(lock, [&] { return is_passed_; });
}

bool Mark::is_passed() {
  const std::lock_guard lock(mutex_);
  return is_passed_;
}

std::chrono::steady_clock::time_point Mark::passed_at() {
  const std::lock_guard lock(mutex_);
  return when_;
}

Stream::Stream(int device, std::uint64_t seed, int number, HardwareQueue* queue)
    : device_(device), number_(number), queue_(queue), random_(seed), thread_([this] { run(); }) {
  watch(*this);
}

Stream::~Stream() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
  }
  changed_.notify_all();
  {
    const HostWait waiting({"cudaStreamDestroy", "the stream"}, [this] { return condition().is_idle; });
    thread_.join();
  }
  forget(*this);
}

void Stream::enqueue(Kind kind, std::function<void()> work) {
  push({kind, std::move(work), nullptr});
}

std::shared_ptr<Mark> Stream::mark() {
  auto mark = std::make_shared<Mark>();
  push({Kind::bookkeeping, [mark] { mark->pass(); }, nullptr});
  return mark;
}

void Stream::wait(std::shared_ptr<Mark> mark) {
  push({Kind::event_wait, [mark = mark.get()] { mark->wait(); }, mark});
}

void Stream::push(Operation operation) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_ != nullptr) operation.place = queue_->add();
    operations_.push_back(std::move(operation));
    ++enqueued_;
  }
  changed_.notify_all();
}

cudaError_t Stream::synchronize(Reason reason) {
  std::unique_lock lock(mutex_);
  const std::uint64_t last = enqueued_;
  lock.unlock();
  const HostWait waiting(reason, [this, last] { return has_done(last); });
  lock.lock();
  changed_.wait(lock, [&] { return done_ >= last; });
  const cudaError_t error = error_;
  lock.unlock();  // before the wait is taken back
  return error;
}

bool Stream::has_done(std::uint64_t operations) {
  const std::lock_guard lock(mutex_);
  return done_ >= operations;
}

cudaError_t Stream::query() {
  const std::lock_guard lock(mutex_);
  return error_ != cudaSuccess ? error_ : operations_.empty() ? cudaSuccess : cudaErrorNotReady;
}

Stream::Condition Stream::condition() {
  const std::lock_guard lock(mutex_);
  Condition result{done_, operations_.empty(), {}};
  if (result.is_idle) return result;
  const std::string obstacle = obstacle_of(operations_.front());
  if (obstacle.empty()) return result;
  const std::string queue = queue_ == nullptr ? "" : fmt::format(" in hardware queue {}", queue_->number());
  result.obstacle =
      fmt::format("stream {}{}, with {} operations, {}", number_, queue, operations_.size(), obstacle);
  return result;
}

// What is over does not count, even if the stream's thread has yet to learn of it.
std::string Stream::obstacle_of(const Operation& operation) {
  if (queue_ != nullptr && queue_->is_behind_others(operation.place)) return "stands behind another stream";
  if (operation.kind == Kind::host_function) return "is in a host function";
  if (operation.kind == Kind::event_wait && !operation.awaited->is_passed()) return "waits for an event";
  return {};
}

void Stream::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return is_closing_ || !operations_.empty(); });
    if (operations_.empty()) return;
    Operation& operation = operations_.front();  // stays where it is when others come
    const bool is_skipped = error_ != cudaSuccess &&
                            (operation.kind == Kind::device_work || operation.kind == Kind::host_function);
    lock.unlock();
    run_in_turn(operation, is_skipped);
    operation.work = nullptr;  // what it owns goes before it counts as done
    lock.lock();
    operations_.pop_front();
    ++done_;
    changed_.notify_all();
  }
}

// The next operation in the hardware queue may begin when this one has begun; after a wait, when it is over.
void Stream::run_in_turn(const Operation& operation, bool is_skipped) {
  const bool holds_queue = operation.kind == Kind::event_wait || operation.kind == Kind::host_function;
  if (queue_ != nullptr) queue_->wait_for_turn(operation.place);
  if (queue_ != nullptr && !holds_queue) queue_->leave();
  if (!is_skipped) perform(operation);
  if (queue_ != nullptr && holds_queue) queue_->leave();
}

void Stream::perform(const Operation& operation) {
  sleep_at_random();
  try {
    if (operation.kind == Kind::device_work) {
      const OpenDeviceMemory open;
      operation.work();
    } else {
      operation.work();
    }
  } catch (const std::exception& error) {
    remember_failure(error.what());
    const std::lock_guard lock(mutex_);
    error_ = cudaErrorLaunchFailure;
  }
}

void Stream::sleep_at_random() {
  const Settings& set = settings();
  if (set.delay_probability > 0 && random_.uniform() < set.delay_probability)
    std::this_thread::sleep_for(std::chrono::microseconds(random_.below(set.max_delay_us + 1)));
}

}  // namespace eightfold::simt
