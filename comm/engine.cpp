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
    tasks_.push_back(std::move(task));
    ticket = ++submitted_;
  }
  work_.notify_one();
  return ticket;
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
    if (tasks_.empty() || failure_ != nullptr) return;
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    std::exception_ptr failure;
    try {
      task(communicator_);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    ++finished_;
    failure_ = failure;
    done_.notify_all();
    if (failure_ != nullptr) return;
  }
}

}  // namespace eightfold::comm
