#include "kernels/base/core_set.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/test.hpp"

#include <cerrno>

using namespace eightfold::base;

namespace {

// A machine that needs sets of so many bits, with a process that may run on these cores.
AffinityCall machine(std::size_t bits, const std::vector<std::size_t>& cores) {
  return [=](pid_t, std::size_t bytes, cpu_set_t* set) {
    if (8 * bytes < bits) {
      errno = EINVAL;
      return -1;
    }
    for (const std::size_t core : cores) CPU_SET_S(core, bytes, set);
    return 0;
  };
}

}  // namespace

TEST_CASE("the cores of a process are counted, however many the machine has") {
  CHECK(allowed_cores(0, machine(1, {0})).count() == 1);
  CHECK(allowed_cores(0, machine(1024, {0, 1, 63, 64, 1023})).count() == 5);
  CHECK(allowed_cores(0, machine(1025, {7, 1024})).count() == 2);
  CHECK(allowed_cores(0, machine(8192, {0, 1024, 8191})).count() == 3);
  std::vector<std::size_t> all;
  for (std::size_t core = 0; core < 3000; ++core) all.push_back(core);
  CHECK(allowed_cores(0, machine(3000, all)).count() == 3000);
}

TEST_CASE("equal sets of cores have equal masks, others have not") {
  CHECK(allowed_cores(0, machine(2000, {3, 1500})).mask == allowed_cores(0, machine(2000, {3, 1500})).mask);
  CHECK(allowed_cores(0, machine(2000, {3, 1500})).mask != allowed_cores(0, machine(2000, {3, 1501})).mask);
}

TEST_CASE("a process whose cores the system does not tell is an error with its reason") {
  CHECK(allowed_cores().count() >= 1);
  CHECK_THROWS_AS(allowed_cores(-1), LibraryError);
  CHECK_THROWS_AS(allowed_cores(0, machine(std::size_t{1} << 40, {})), LibraryError);
}
