#pragma once

// A flow of control with a stack of its own, switched by hand: a thread of a block. Fibers belong to the
// system thread that made them and are told to AddressSanitizer and ThreadSanitizer. The stack ends in a page
// that faults. Boost.Context switches: swapcontext would call the system each time, which took half of the
// time of a kernel.

#include <boost/context/fiber.hpp>

#include <cstddef>

namespace eightfold::simt {

class Fiber {
 public:
  using Body = void (*)(void* argument);

  Fiber();
  // Requires: its body has ended.
  ~Fiber();
  Fiber(const Fiber&) = delete;  // running code has its address
  Fiber& operator=(const Fiber&) = delete;

  // Begins a body, which must not throw. Returns when it suspends itself or ends.
  void start(Body body, void* argument);
  // Goes on where the body suspended itself, until it does so again or ends.
  void resume();
  // For the body: goes back to whoever started or resumed it.
  void suspend();

 private:
  void run_bodies();
  void switch_to_body();
  void switch_back();
  void announce_return(bool for_ever);

  void* mapping_;
  boost::context::fiber here_;    // the body, while it is suspended
  boost::context::fiber caller_;  // whoever resumed it, meanwhile
  Body body_ = nullptr;
  void* argument_ = nullptr;
  bool is_leaving_ = false;
  // State for the sanitizers.
  void* fake_stack_ = nullptr;
  void* caller_fake_stack_ = nullptr;
  const void* caller_stack_ = nullptr;
  std::size_t caller_stack_bytes_ = 0;
  void* tsan_fiber_ = nullptr;
  void* tsan_caller_ = nullptr;
};

}  // namespace eightfold::simt
