#include "comm/engine/engine.hpp"

#include "kernels/base/clock.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace eightfold::comm::engine {
namespace {

// How long to sleep between polls. Sleeping costs a wake-up of tens of microseconds; polling costs the core
// that another rank may need. So a short wait is polled through, a longer one slept through in growing steps.
class PollBackoff {
 public:
  // Something has moved. Returns whether is_long() had said so before.
  bool reset() {
    is_waiting_ = false;
    return std::exchange(asked_, {}) != base::TimePoint();
  }
  // How long to sleep before the next poll; nothing: not at all.
  std::optional<std::chrono::microseconds> next() {
    const base::TimePoint now = base::Clock::now();
    if (!std::exchange(is_waiting_, true)) {
      since_ = now;
      sleep_ = kShortest;
    }
    if (now - since_ < kPolling) return std::nullopt;
    return std::exchange(sleep_, std::min(2 * sleep_, kLongest));
  }
  // After next(): whether the wait has become long, and every so often that it still lasts.
  bool is_long() {
    const base::TimePoint now = base::Clock::now();
    if (now - std::max(since_, asked_) < kLong) return false;
    asked_ = now;
    return true;
  }

 private:
  static constexpr std::chrono::microseconds kPolling{40}, kShortest{10}, kLongest{80};
  static constexpr std::chrono::milliseconds kLong{100};

  bool is_waiting_ = false;
  base::TimePoint since_, asked_;
  std::chrono::microseconds sleep_{};
};

}  // namespace

Engine::Engine(mpi::Communicator& communicator, kernels::Device device)
    : communicator_(communicator),
      device_(device),
      ranks_(communicator.size()),
      thread_([this] { serve(); }) {}

Engine::~Engine() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

Engine::Ticket Engine::submit(Task task) {
  return submit(
      [task = std::move(task)](mpi::Communicator& communicator) {
        task(communicator);
        return Progress::over;
      },
      Sharing::exclusive);
}

Engine::Ticket Engine::submit(Work work, Sharing sharing, WaitsFor waits_for) {
  Ticket ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    ticket = ++submitted_;
    if (failure_ != nullptr) return ticket;
    waiting_.push_back({ticket, std::move(work), sharing, std::move(waits_for)});
  }
  work_.notify_one();
  return ticket;
}

void Engine::check() {
  const std::lock_guard lock(mutex_);
  if (failure_ != nullptr) std::rethrow_exception(failure_);
}

void Engine::wait(Ticket ticket) {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return finished_ >= ticket || has_failed_; });
  if (has_failed_) std::rethrow_exception(failure_);
}

// The loop: rest without work, start what may start, give all work under way one turn, publish what is over.
// Turns are taken without the lock, because they call MPI and submit() must not wait for them. No lock guards
// under_way_, which this thread alone uses. SimulatedRank repeats the policy, not the code.
void Engine::serve() {
  prctl(PR_SET_TIMERSLACK, 1UL);  // short sleeps end in time, not 50 us later
  try {
    kernels::select_device(device_);
  } catch (...) {
    fail(std::current_exception());
    return;
  }
  PollBackoff backoff;
  std::unique_lock lock(mutex_);
  while (true) {
    if (under_way_.empty()) rest(lock);
    if (!has_work()) return;
    start_ready();
    lock.unlock();
    bool moved = false;
    try {
      moved = advance_all();
    } catch (...) {
      fail(std::current_exception());
      return;
    }
    lock.lock();
    finish(moved);
    if (moved) {
      if (backoff.reset()) flight_recorder().wait_for({});
    } else if (const auto sleep = backoff.next()) {
      if (backoff.is_long()) report_wait();
      work_.wait_for(lock, *sleep);
    }
  }
}

// Waits for work. A finished send may still lie in MPI's queues, which move only when MPI is called. Without
// these calls a peer would wait for it until this rank has work again.
void Engine::rest(std::unique_lock<std::mutex>& lock) {
  constexpr std::chrono::milliseconds kPeriod{1};
  constexpr int kPeriods = 1000;
  const auto is_needed = [&] { return stopping_ || !waiting_.empty(); };
  for (int i = 0; i < kPeriods; ++i) {
    if (work_.wait_for(lock, kPeriod, is_needed)) return;
    communicator_.progress();
  }
  work_.wait(lock, is_needed);
}

// Exclusive work starts when all before it is over, and all behind it waits until it is over, too.
void Engine::start_ready() {
  while (!waiting_.empty() && under_way_.size() < kUnderWay) {
    const bool is_exclusive = waiting_.front().sharing == Sharing::exclusive;
    if (!under_way_.empty() && (is_exclusive || under_way_.back().sharing == Sharing::exclusive)) return;
    under_way_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

// Whether anything moved.
bool Engine::advance_all() {
  bool moved = false;
  for (auto item = under_way_.begin(); item != under_way_.end();) {
    const Progress progress = item->work(communicator_);
    moved |= progress != Progress::none;
    item = progress == Progress::over ? under_way_.erase(item) : item + 1;
  }
  return moved;
}

// The oldest work that waits for somebody: what is behind it may wait for it.
void Engine::report_wait() const {
  base::Wait wait;
  for (const Item& item : under_way_)
    if (wait.direction == base::Wait::Direction::none && item.waits_for) wait = item.waits_for();
  flight_recorder().wait_for(wait);
}

// Work ends in any order, but a ticket counts as finished only when all before it are over, too. So the
// oldest piece that is left decides.
void Engine::finish(bool moved) {
  if (!moved) return;
  const Ticket next = !under_way_.empty() ? under_way_.front().ticket
                      : !waiting_.empty() ? waiting_.front().ticket
                                          : submitted_ + 1;
  if (std::exchange(finished_, next - 1) != next - 1) done_.notify_all();
}

// The error is there before the work is destroyed, since destroyed work wakes others, who ask for it. Waits
// end after: what work refers to may go with whoever waited.
void Engine::fail(const std::exception_ptr& failure) {
  std::deque<Item> dropped;  // destroyed outside the lock: what they hold may wake others
  {
    const std::lock_guard lock(mutex_);
    failure_ = failure;
    dropped.swap(waiting_);
  }
  under_way_.clear();
  dropped.clear();
  {
    const std::lock_guard lock(mutex_);
    has_failed_ = true;
  }
  done_.notify_all();
}

}  // namespace eightfold::comm::engine
