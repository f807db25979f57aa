#include "comm/clock_offset.hpp"

#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using test::world;

// All ranks of this test are on one machine, whose clock they share: only rank 0 has anything to say.
TEST_CASE("a node's clock is its first rank's, and no further from rank 0's than the question took") {
  const auto offsets = comm::clock_offsets(world());
  bool right = offsets.size() == static_cast<std::size_t>(world().size());
  for (std::size_t rank = 0; right && rank < offsets.size(); ++rank)
    right = offsets[rank].has_value() == (world().rank() == 0 && rank == 0);
  CHECK_ALL_RANKS(right);
}
