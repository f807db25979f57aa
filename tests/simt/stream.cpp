#include "tests/simt/stream.hpp"

#include "tests/simt/memory.hpp"

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

Stream::Stream(int device, std::uint64_t seed) : device_(device), random_(seed), thread_([this] { run(); }) {}

Stream::~Stream() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Stream::enqueue(Touches touches, std::function<void()> work) {
  push({touches, false, std::move(work)});
}

std::shared_ptr<Mark> Stream::mark() {
  auto mark = std::make_shared<Mark>();
  push({Touches::host_only, true, [mark] { mark->pass(); }});
  return mark;
}

void Stream::wait(std::shared_ptr<Mark> mark) {
  push({Touches::host_only, true, [mark = std::move(mark)] { mark->wait(); }});
}

void Stream::push(Operation operation) {
  {
    const std::lock_guard lock(mutex_);
    operations_.push_back(std::move(operation));
  }
  changed_.notify_all();
}

cudaError_t Stream::synchronize() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return operations_.empty() && !is_busy_; });
  return error_;
}

cudaError_t Stream::query() {
  const std::lock_guard lock(mutex_);
  return error_ != cudaSuccess ? error_ : operations_.empty() && !is_busy_ ? cudaSuccess : cudaErrorNotReady;
}

void Stream::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return is_closing_ || !operations_.empty(); });
    if (operations_.empty()) return;
    const Operation operation = std::move(operations_.front());
    operations_.pop_front();
    is_busy_ = true;
    const bool is_skipped = error_ != cudaSuccess && !operation.runs_after_error;
    lock.unlock();
    if (!is_skipped) perform(operation);
    lock.lock();
    is_busy_ = false;
    changed_.notify_all();
  }
}

void Stream::perform(const Operation& operation) {
  sleep_at_random();
  try {
    if (operation.touches == Touches::device_memory) {
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
