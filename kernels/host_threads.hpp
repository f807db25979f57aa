#pragma once

// The threads that operations on the host share their work among: oneDNN's and our own loops, both by OpenMP.
// oneDNN divides its work when it plans, and a team smaller than planned leaves a part of it undone, or waits
// for ever. So a thread asks how large a team it gets before it plans, and keeps that.

#include <string>
#include <string_view>

namespace eightfold::kernels {

// Asks OpenMP for teams of `count` threads, at least 1, for what the calling thread plans and runs from now
// on. Returns how many it grants: fewer if OMP_THREAD_LIMIT or a similar variable says so. OMP_DYNAMIC, which
// lets the number follow the load of the machine, is turned off. Throws EnvironmentError if this process may
// not start so many threads, or if OpenMP does not grant the same number twice.
int set_host_threads(int count);

// The calling thread's granted number.
int host_threads();

// True if a variable may make teams smaller, by its name: OMP_THREAD_LIMIT, OMP_MAX_ACTIVE_LEVELS, and what
// LLVM's OpenMP has besides.
bool limits_host_threads(std::string_view name);
// Those in the environment of this process, "OMP_THREAD_LIMIT=1, ..."; empty if there is none.
std::string host_thread_limits();

}  // namespace eightfold::kernels
