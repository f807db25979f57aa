#include "comm/mpi/clock_offset.hpp"

#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <cmath>

using namespace eightfold;
using test::world;

// The ranks of this test share a machine and its clock.
TEST_CASE("a clock is no further from rank 0's than half of what the fastest question took") {
  bool right = true;
  for (int rank = 0; rank < world().size(); ++rank) {
    const comm::mpi::ClockOffset offset = clock_offset_of(world(), rank);
    if (world().rank() != 0) continue;
    constexpr double kTick_s = 1e-6;  // seconds since 1970, in a double
    right = right && std::abs(offset.ahead_s) <= offset.error_s + kTick_s;
    right = right && (rank == 0) == (offset.error_s == 0);
  }
  CHECK_ALL_RANKS(right);
}

TEST_CASE("only the first rank of a node has an offset, on rank 0") {
  const auto offsets = comm::mpi::clock_offsets(world());
  bool right = offsets.size() == static_cast<std::size_t>(world().size());
  for (std::size_t rank = 0; right && rank < offsets.size(); ++rank)
    right = offsets[rank].has_value() == (world().rank() == 0 && rank == 0);
  CHECK_ALL_RANKS(right);
}
