#include "comm/transport/probe_rings.hpp"

#include "tests/support/test.hpp"

using namespace eightfold;
using comm::transport::RingPlace;

namespace {

using Rings = std::vector<std::vector<int>>;

// GPU numbers of a node, repeated on every node.
std::vector<std::uint64_t> gpus(int nodes, const std::vector<std::uint64_t>& of_node) {
  std::vector<std::uint64_t> all;
  for (int node = 0; node < nodes; ++node) all.insert(all.end(), of_node.begin(), of_node.end());
  return all;
}

}  // namespace

TEST_CASE("one rank has nobody to probe") {
  CHECK(comm::transport::probe_rings(comm::schedules::Topology::uniform(1, 1), gpus(1, {0})).empty());
}

TEST_CASE("ranks on one GPU are probed with each other alone") {
  const auto kinds =
      comm::transport::probe_rings(comm::schedules::Topology::uniform(1, 3), gpus(1, {7, 7, 7}));
  REQUIRE(kinds.size() == 1);
  CHECK(kinds[0].link == "the same GPU");
  CHECK(kinds[0].rings == Rings{{0, 1, 2}});
  CHECK(kinds[0].place_of(0) == RingPlace{2, 1});
  CHECK(kinds[0].place_of(2) == RingPlace{1, 0});
  CHECK_FALSE(kinds[0].place_of(3).has_value());
}

TEST_CASE("every GPU of a node, and every rail between nodes, is in a ring of its own") {
  const auto kinds = comm::transport::probe_rings(comm::schedules::Topology::uniform(2, 2), gpus(2, {1, 2}));
  REQUIRE(kinds.size() == 2);
  CHECK(kinds[0].link == "GPUs of a node");
  CHECK(kinds[0].rings == Rings{{0, 1}, {2, 3}});
  CHECK(kinds[1].link == "other nodes");
  CHECK(kinds[1].rings == Rings{{0, 2}, {1, 3}});
  CHECK(kinds[1].place_of(3) == RingPlace{1, 1});
}

TEST_CASE("of ranks that share a GPU one speaks to the other GPUs of the node") {
  const auto kinds =
      comm::transport::probe_rings(comm::schedules::Topology::uniform(2, 4), gpus(2, {1, 1, 2, 2}));
  REQUIRE(kinds.size() == 3);
  CHECK(kinds[0].rings == Rings{{0, 1}, {2, 3}, {4, 5}, {6, 7}});
  CHECK(kinds[1].rings == Rings{{0, 2}, {4, 6}});
  CHECK(kinds[2].rings == Rings{{0, 4}, {1, 5}, {2, 6}, {3, 7}});
}

TEST_CASE("nodes with different numbers of ranks are probed as far as they have pairs") {
  const std::vector<std::uint64_t> node = {0, 0, 1, 2}, gpu = {1, 2, 1, 1};
  const auto kinds = comm::transport::probe_rings(comm::schedules::Topology(node), gpu);
  REQUIRE(kinds.size() == 2);
  CHECK(kinds[0].rings == Rings{{0, 1}});
  CHECK(kinds[1].rings == Rings{{0, 2, 3}});
}
