#include "kernels/base/core_set.hpp"

#include "kernels/base/error.hpp"

#include <bit>
#include <cerrno>
#include <cstring>
#include <numeric>

namespace eightfold::base {
namespace {

constexpr std::size_t kFewestBits = 1024, kMostBits = std::size_t{1} << 20;

}  // namespace

int CoreSet::count() const {
  return std::accumulate(mask.begin(), mask.end(), 0,
                         [](int sum, unsigned long word) { return sum + std::popcount(word); });
}

// The system says EINVAL for a set with fewer bits than it has cores, and does not tell how many it needs.
CoreSet allowed_cores(pid_t process, const AffinityCall& ask) {
  CoreSet cores;
  for (std::size_t bits = kFewestBits;; bits *= 2) {
    cores.mask.assign(bits / (8 * sizeof(unsigned long)), 0);
    // Linux reads and writes a set as words of this type, and so does glibc, whose cpu_set_t has some of
    // them.
    if (ask(process, bits / 8, reinterpret_cast<cpu_set_t*>(cores.mask.data())) == 0) return cores;
    const int code = errno;
    if (code != EINVAL || bits == kMostBits)
      throw LibraryError("sched_getaffinity", code, std::strerror(code));
  }
}

}  // namespace eightfold::base
