#pragma once

// Finds that a program hangs, and why (SIMT_DEADLOCK). A thread waits in a call of the runtime, and no stream
// with work can go on. What holds a stream up is an event, its turn in a hardware queue, or a host function.
// Only a host function may still be freed by a thread outside of the runtime, hence the patience.

#include <functional>

namespace eightfold::simt {

class Stream;

// Why a thread waits, in words that live as long as it does.
struct Reason {
  const char* call;  // of the runtime
  const char* what;  // it waits for
};

// The calling thread may wait in a call of the runtime as long as one of these lives.
class HostWait {
 public:
  // `is_over` says whether there is nothing to wait for, also while the thread has yet to learn of it. It is
  // called from another thread. Requires: the caller has no lock that it takes.
  HostWait(Reason reason, std::function<bool()> is_over);
  ~HostWait();
  HostWait(const HostWait&) = delete;  // a scope
  HostWait& operator=(const HostWait&) = delete;

 private:
  const int number_;
};

// A thread was told that what it waits for is not ready: it will ask again, and counts as one that waits.
void note_not_ready();

// For streams. A stream that is watched must live until it is forgotten.
void watch(Stream& stream);
void forget(Stream& stream);

}  // namespace eightfold::simt
