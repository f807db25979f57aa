#pragma once

// The cores that a process may run on, however many the machine has. A cpu_set_t of fixed size has 1024 bits,
// and the call fails on a machine with more cores. Source: sched_setaffinity(2).

#include <sched.h>

#include <functional>
#include <vector>

namespace eightfold::base {

// sched_getaffinity(), or what stands for it in a test.
using AffinityCall = std::function<int(pid_t process, std::size_t bytes, cpu_set_t* set)>;

struct CoreSet {
  // A bit per core. All processes of a machine get the same number of bits.
  std::vector<unsigned long> mask;

  int count() const;
};

// Of the process; 0: of the calling thread. Throws LibraryError.
CoreSet allowed_cores(pid_t process = 0, const AffinityCall& ask = ::sched_getaffinity);

}  // namespace eightfold::base
