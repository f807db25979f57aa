#include "comm/engine.hpp"

#include <utility>

namespace eightfold::comm {

Engine::Engine(Communicator& communicator)
    : communicator_(communicator), ranks_(communicator.size()), thread_([this] { serve(); }) {}

Engine::~Engine() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

Engine::Ticket Engine::submit(Task task) {
  Ticket ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    ticket = ++submitted_;
    if (failure_ != nullptr) return ticket;
    tasks_.push_back(std::move(task));
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
  done_.wait(lock, [&] { return finished_ >= ticket || failure_ != nullptr; });
  if (failure_ != nullptr) std::rethrow_exception(failure_);
}

void Engine::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [&] { return stopping_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    std::exception_ptr failure;
    try {
      task(communicator_);
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure != nullptr) {
      fail(failure);
      return;
    }
    task = nullptr;
    lock.lock();
    ++finished_;
    done_.notify_all();
  }
}

void Engine::fail(const std::exception_ptr& failure) {
  std::deque<Task> dropped;  // destroyed outside the lock: what they hold may wake others
  {
    const std::lock_guard lock(mutex_);
    failure_ = failure;
    dropped.swap(tasks_);
  }
  done_.notify_all();
}

}  // namespace eightfold::comm
