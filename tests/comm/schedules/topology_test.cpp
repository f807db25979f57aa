#include "comm/schedules/topology.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <vector>

using namespace eightfold;
using namespace eightfold::comm;

namespace {

bool is_node(const schedules::Topology& topology, int node, const std::vector<int>& expected) {
  return std::ranges::equal(topology.members(node), expected);
}

}  // namespace

TEST_CASE("a uniform topology fills one node after the other") {
  const schedules::Topology topology = schedules::Topology::uniform(3, 2);
  CHECK(topology.ranks() == 6);
  CHECK(topology.nodes() == 3);
  CHECK(topology.rails() == 2);
  CHECK(topology.largest_node() == 2);
  CHECK(is_node(topology, 1, {2, 3}));
  for (int rank = 0; rank < 6; ++rank) {
    CHECK(topology.node_of(rank) == rank / 2);
    CHECK(topology.local_rank(rank) == rank % 2);
  }
}

TEST_CASE("ranks dealt to the nodes in turn are found on them") {
  const std::vector<std::uint64_t> node_by_rank = {70, 8, 70, 8, 70};
  const schedules::Topology topology{node_by_rank};
  CHECK(topology.nodes() == 2);
  CHECK(is_node(topology, 0, {0, 2, 4}));
  CHECK(is_node(topology, 1, {1, 3}));
  CHECK(topology.local_rank(4) == 2);
}

TEST_CASE("there are as many rails as the smallest node has ranks") {
  const std::vector<std::uint64_t> node_by_rank = {0, 0, 0, 1, 1, 2, 2, 2, 2};
  const schedules::Topology topology{node_by_rank};
  CHECK(topology.rails() == 2);
  CHECK(topology.largest_node() == 4);
}

TEST_CASE("topologies are equal when the same ranks share nodes, whatever these are called") {
  const std::vector<std::uint64_t> node_by_rank = {9, 9, 2, 2};
  CHECK(schedules::Topology{node_by_rank} == schedules::Topology::uniform(2, 2));
  CHECK(schedules::Topology::uniform(4, 1) != schedules::Topology::uniform(2, 2));
}

TEST_CASE("a topology without ranks is refused") {
  CHECK_THROWS_AS(schedules::Topology{std::vector<std::uint64_t>{}}, base::InternalError);
  CHECK_THROWS_AS(schedules::Topology::uniform(0, 8), base::InternalError);
  CHECK_THROWS_AS(schedules::Topology::uniform(2, 0), base::InternalError);
}
