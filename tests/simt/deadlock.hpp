#pragma once

// Finds that a program hangs, and why (SIMT_DEADLOCK). A thread waits in a call of the runtime, and no stream
// with work can go on: it waits for an event, its turn in a hardware queue, or a host function. Only a host
// function may still be freed by a thread outside of the runtime, hence the patience.

namespace eightfold::simt {

class Stream;

// The calling thread waits in a call of the runtime as long as one of these lives.
class HostWait {
 public:
  // Both must be literals, or live as long.
  HostWait(const char* call, const char* reason);
  ~HostWait();
  HostWait(const HostWait&) = delete;  // a scope
  HostWait& operator=(const HostWait&) = delete;

 private:
  const int number_;
};

// For streams. A stream that is watched must live until it is forgotten.
void watch(Stream& stream);
void forget(Stream& stream);

}  // namespace eightfold::simt
