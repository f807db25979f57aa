#include "kernels/host_threads.hpp"

#include "kernels/base/error.hpp"

#include <fmt/ranges.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <latch>
#include <system_error>
#include <thread>
#include <vector>

namespace eightfold::kernels {
namespace {

// Asked rather than computed: what bounds a team differs between runtimes of OpenMP.
int size_of_team() {
  int members = 0;
#pragma omp parallel reduction(+ : members)
  members += 1;
  return members;
}

// For the engine, the loader and who else works beside a team.
constexpr int kOtherThreads = 4;

// The team that the calling thread has; OpenMP keeps its threads.
thread_local int team = 1;

// Starts what a larger team and the rest of the program need besides, and lets it go. Where the system
// refuses OpenMP a thread, OpenMP ends the process with an exit code of its own.
void check_that_start(int threads) {
  const int needed = threads - team + kOtherThreads;
  std::latch release(1);
  std::vector<std::jthread> started;
  started.reserve(static_cast<std::size_t>(needed));
  try {
    while (std::ssize(started) < needed) started.emplace_back([&] { release.wait(); });
  } catch (const std::system_error& failure) {
    release.count_down();
    base::raise<base::EnvironmentError>(
        "{} host threads take {} more than there are, and the system starts {}: {}; set job.threads to "
        "fewer, or "
        "raise `ulimit -u` or the container's limit of processes (pids.max)",
        threads, needed, started.size(), failure.code().message());
  }
  release.count_down();
}

}  // namespace

int set_host_threads(int count) {
  base::require(count >= 1, "{} host threads", count);
  if (count > team) check_that_start(count);
  omp_set_dynamic(0);
  omp_set_num_threads(count);
  const int granted = size_of_team();
  omp_set_num_threads(granted);
  team = granted;
  if (const int again = size_of_team(); again != granted)
    base::raise<base::EnvironmentError>(
        "OpenMP grants {} threads, then {}: results would be wrong; set job.threads=1, or unset what the "
        "environment says to OpenMP{}{}",
        granted, again, host_thread_limits().empty() ? "" : ": ", host_thread_limits());
  return granted;
}

int host_threads() {
  return omp_get_max_threads();
}

std::string host_thread_limits() {
  std::vector<std::string_view> set;
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (limits_host_threads(*variable)) set.emplace_back(*variable);
  return fmt::format("{}", fmt::join(set, ", "));
}

bool limits_host_threads(std::string_view name) {
  constexpr std::array<std::string_view, 5> kBeginnings{"OMP_THREAD_LIMIT", "OMP_MAX_ACTIVE_LEVELS",
                                                        "KMP_ALL_THREADS", "KMP_MAX_THREADS",
                                                        "KMP_DEVICE_THREAD_LIMIT"};
  return std::ranges::any_of(kBeginnings, [&](std::string_view start) { return name.starts_with(start); });
}

}  // namespace eightfold::kernels
