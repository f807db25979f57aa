#include "tests/fuzz/allocations.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace eightfold::fuzz {
namespace {

struct Count {
  bool is_on = false;
  std::ptrdiff_t live = 0;  // below 0 once memory from before is released
  std::ptrdiff_t peak = 0;
  MemoryLimit limit{0, 0};
};
constinit thread_local Count count;

[[noreturn]] void give_up(const char* what, std::size_t bytes, std::size_t limit) {
  count.is_on = false;  // printing may allocate
  std::fprintf(stderr, "%s: %zu bytes, %zu are allowed\n", what, bytes, limit);
  std::abort();
}

}  // namespace

void start_counting(const MemoryLimit& limit) {
  [[maybe_unused]] static const bool is_installed = (install_counting(), true);
  count = {true, 0, 0, limit};
}

std::size_t stop_counting() {
  count.is_on = false;
  return static_cast<std::size_t>(count.peak);
}

void count_allocation(std::size_t bytes) noexcept {
  if (!count.is_on) return;
  count.live += static_cast<std::ptrdiff_t>(bytes);
  count.peak = std::max(count.peak, count.live);
  if (bytes > count.limit.one) give_up("one allocation", bytes, count.limit.one);
  if (count.live > static_cast<std::ptrdiff_t>(count.limit.live))
    give_up("live memory", static_cast<std::size_t>(count.live), count.limit.live);
}

void count_release(std::size_t bytes) noexcept {
  if (count.is_on) count.live -= static_cast<std::ptrdiff_t>(bytes);
}

}  // namespace eightfold::fuzz
