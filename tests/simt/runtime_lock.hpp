#pragma once

// The lock of a runtime, where the environment asks for one: calls that launch, copy, allocate or free take
// it. Two things keep it longer than for the call. One is waiting until the device is idle (SIMT_LAZY). The
// other is a copy from or to pageable memory (SIMT_PAGEABLE), until its stream comes to it. Without these
// settings there is no lock.

namespace eightfold::simt {

class RuntimeLock {
 public:
  // Waits for it. `call` must be a literal.
  explicit RuntimeLock(const char* call);
  ~RuntimeLock();
  RuntimeLock(const RuntimeLock&) = delete;  // a scope
  RuntimeLock& operator=(const RuntimeLock&) = delete;

  // It is kept beyond the scope, until somebody calls release_runtime_lock().
  void keep() noexcept { is_kept_ = true; }

 private:
  bool is_kept_ = false;
};

// From any thread.
void release_runtime_lock();

}  // namespace eightfold::simt
