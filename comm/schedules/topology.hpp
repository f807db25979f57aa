#pragma once

// The ranks that share a node; a hierarchical schedule is made from them. A description, the same on every
// rank once discovered; nothing in it depends on who asks.

#include <cstdint>
#include <span>
#include <vector>

namespace eightfold::comm::mpi {
class Communicator;
}

namespace eightfold::comm::schedules {

class Topology {
 public:
  // By rank, any number that is the same for the ranks of one node and for no others. Nodes are numbered in
  // the order of their lowest ranks. Requires at least one rank.
  explicit Topology(std::span<const std::uint64_t> node_by_rank);
  // Ranks 0 .. ranks_per_node - 1 on node 0, the next ones on node 1 and so on.
  static Topology uniform(int nodes, int ranks_per_node);

  int ranks() const noexcept { return static_cast<int>(positions_.size()); }
  int nodes() const noexcept { return static_cast<int>(members_.size()); }
  int node_of(int rank) const { return positions_.at(static_cast<std::size_t>(rank)).node; }
  // The rank's place among the ranks of its node, in ascending order.
  int local_rank(int rank) const { return positions_.at(static_cast<std::size_t>(rank)).local; }
  // Ascending.
  std::span<const int> members(int node) const { return members_.at(static_cast<std::size_t>(node)); }

  // Rail l connects the ranks with local rank l of all nodes. The number of rails is the number of ranks on
  // the smallest node.
  int rails() const noexcept;
  int largest_node() const noexcept;

  friend bool operator==(const Topology&, const Topology&) = default;

 private:
  struct NodePosition {
    int node;
    int local;
    friend bool operator==(const NodePosition&, const NodePosition&) = default;
  };
  std::vector<NodePosition> positions_;    // by rank
  std::vector<std::vector<int>> members_;  // by node
};

// Nodes are the ranks that share memory. Collective.
Topology discover_topology(mpi::Communicator& communicator);

}  // namespace eightfold::comm::schedules
