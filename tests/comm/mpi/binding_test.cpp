#include "comm/mpi/binding.hpp"

#include "kernels/host_threads.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <omp.h>

#include <algorithm>

using namespace eightfold;
using test::world;

namespace {

// What a job with this number of threads computes with.
int bound(int wanted) {
  const int before = kernels::host_threads();
  const int threads = comm::mpi::bind_host_threads(world(), wanted);
  CHECK_ALL_RANKS(kernels::host_threads() == threads);
  kernels::set_host_threads(before);
  return threads;
}

}  // namespace

TEST_CASE("ranks compute with the threads that the job says") {
  CHECK_ALL_RANKS(bound(1) == 1);
  CHECK_ALL_RANKS(bound(3) == 3);
}

TEST_CASE("ranks compute with as many threads as OpenMP grants to the least of them") {
  const int levels = omp_get_max_active_levels();
  if (world().rank() == world().size() - 1) omp_set_max_active_levels(0);  // teams of one thread
  CHECK_ALL_RANKS(bound(3) == 1);
  omp_set_max_active_levels(levels);
  CHECK_ALL_RANKS(bound(3) == 3);
}

TEST_CASE("a quota is shared by the ranks that are under it") {
  const test::Scratch own, other;
  std::string shared = own.path().string();
  world().broadcast_text(shared, 0);
  const auto threads = [&](int cores, const std::vector<base::CpuQuota>& quotas) {
    return comm::mpi::fair_host_threads(world(), cores, quotas).threads;
  };
  const auto quota = [](double cores, const std::filesystem::path& group) {
    return base::CpuQuota{cores, group / "cpu.max"};
  };
  const int ranks = world().size();
  CHECK_ALL_RANKS(threads(64, {}) == 64);
  CHECK_ALL_RANKS(threads(0, {}) == 1);
  CHECK_ALL_RANKS(threads(64, {quota(12.0, shared)}) == 12 / ranks);
  CHECK_ALL_RANKS(threads(2, {quota(12.0, shared)}) == 2);
  CHECK_ALL_RANKS(threads(64, {quota(0.2, shared)}) == 1);
  CHECK_ALL_RANKS(threads(64, {quota(3.9, other.path())}) == 3);
  CHECK_ALL_RANKS(threads(64, {quota(5.0, other.path()), quota(12.0, shared)}) == std::min(5, 12 / ranks));
  CHECK_ALL_RANKS(threads(64, {quota(12.0, shared), quota(12.0, shared)}) == 12 / ranks);  // mounted twice
  // Groups of which only rank 0 has one.
  const bool is_first = world().rank() == 0;
  CHECK_ALL_RANKS(threads(64, is_first ? std::vector{quota(7.0, other.path())}
                                       : std::vector<base::CpuQuota>()) == (is_first ? 7 : 64));
}
