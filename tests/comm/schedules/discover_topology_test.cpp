#include "comm/schedules/topology.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using test::world;

TEST_CASE("the ranks of one machine are discovered as one node") {
  CHECK_ALL_RANKS(comm::schedules::discover_topology(world()) ==
                  comm::schedules::Topology::uniform(1, world().size()));
}
