#include "comm/schedules/topology.hpp"

#include "comm/mpi/communicator.hpp"
#include "kernels/base/error.hpp"

#include <algorithm>
#include <map>

namespace eightfold::comm::schedules {
namespace {

bool has_fewer_ranks(const std::vector<int>& a, const std::vector<int>& b) {
  return a.size() < b.size();
}

}  // namespace

Topology::Topology(std::span<const std::uint64_t> node_by_rank) {
  base::require(!node_by_rank.empty(), "a topology has at least one rank");
  std::map<std::uint64_t, int> number_of;
  for (const std::uint64_t name : node_by_rank) {
    const int node = number_of.try_emplace(name, nodes()).first->second;
    if (node == nodes()) members_.emplace_back();
    std::vector<int>& members = members_[static_cast<std::size_t>(node)];
    const int rank = ranks();
    positions_.push_back({node, static_cast<int>(members.size())});
    members.push_back(rank);
  }
}

Topology Topology::uniform(int nodes, int ranks_per_node) {
  base::require(nodes > 0 && ranks_per_node > 0, "a topology of {} nodes with {} ranks each", nodes,
                ranks_per_node);
  std::vector<std::uint64_t> node_by_rank;
  for (int rank = 0; rank < nodes * ranks_per_node; ++rank)
    node_by_rank.push_back(static_cast<std::uint64_t>(rank / ranks_per_node));
  return Topology(node_by_rank);
}

int Topology::rails() const noexcept {
  return static_cast<int>(std::ranges::min_element(members_, has_fewer_ranks)->size());
}

int Topology::largest_node() const noexcept {
  return static_cast<int>(std::ranges::max_element(members_, has_fewer_ranks)->size());
}

Topology discover_topology(mpi::Communicator& communicator) {
  // A node is named after its first rank.
  const auto rank = static_cast<std::uint64_t>(communicator.rank());
  const std::uint64_t node = communicator.all_gather_on_node(rank).front();
  return Topology(communicator.all_gather(node));
}

}  // namespace eightfold::comm::schedules
