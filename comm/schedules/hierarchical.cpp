#include "comm/schedules/builder.hpp"

#include <algorithm>

namespace eightfold::comm::schedules {
namespace {

// Shard (rail, node) has the number rail * nodes + node and belongs to the rank at that place. So the shards
// of a rail follow each other, and inside a node a rank stands for all shards of its rail.
class Plan {
 public:
  explicit Plan(const Part& part)
      : topology_(part.topology),
        node_(topology_.node_of(part.rank)),
        rail_(topology_.local_rank(part.rank)),
        has_rail_(rail_ < topology_.rails()) {}

  int node() const { return node_; }
  int rail() const { return rail_; }
  // Ranks beyond the smallest node's number have none: they own nothing and do not talk to other nodes.
  bool has_rail() const { return has_rail_; }
  int own_shard() const { return rail_ * topology_.nodes() + node_; }

  bool inside() const { return topology_.largest_node() > 1; }
  bool across() const { return topology_.nodes() > 1; }

  std::vector<Shard> shards(std::int64_t elements) const {
    std::vector<int> owners;
    for (int rail = 0; rail < topology_.rails(); ++rail)
      for (int node = 0; node < topology_.nodes(); ++node)
        owners.push_back(topology_.members(node)[static_cast<std::size_t>(rail)]);
    return even_shards(elements, owners);
  }

  // The ranks of this node, each with the shards of its rail.
  std::vector<Member> node_members() const {
    std::vector<Member> members;
    for (const int rank : topology_.members(node_)) {
      const auto rail = static_cast<int>(members.size());
      members.push_back({rank, rail * topology_.nodes(), rail < topology_.rails() ? topology_.nodes() : 0});
    }
    return members;
  }

  // The ranks of this rail, each with its own shard.
  std::vector<Member> rail_members() const {
    std::vector<Member> members;
    for (int node = 0; node < topology_.nodes(); ++node)
      members.push_back(
          {topology_.members(node)[static_cast<std::size_t>(rail_)], rail_ * topology_.nodes() + node, 1});
    return members;
  }

 private:
  const Topology& topology_;
  int node_;
  int rail_;
  bool has_rail_;
};

void two_shot_across(Builder& builder, const Plan& plan) {
  if (!plan.has_rail()) {
    builder.next_round();
    builder.next_round();
    return;
  }
  const std::vector<Member> rail = plan.rail_members();
  builder.next_round();
  exchange_fresh(builder, rail, plan.node());
  builder.next_round();
  builder.seal(plan.own_shard());
  exchange_sealed(builder, rail, plan.node());
}

}  // namespace

Schedule hierarchical(const Part& part) {
  const Plan plan(part);
  Builder builder(plan.shards(part.elements));
  if (plan.inside()) {
    builder.next_round();
    exchange_fresh(builder, plan.node_members(), plan.rail());
  }
  if (plan.across()) two_shot_across(builder, plan);
  if (plan.inside()) {
    builder.next_round();
    if (!plan.across() && plan.has_rail()) builder.seal(plan.own_shard());
    exchange_sealed(builder, plan.node_members(), plan.rail());
  }
  return std::move(builder).take();
}

// With R the bytes of all shards of a rail and "own" the rank's own rail or shard, g the ranks of its node, m
// the nodes:
//   inside, fresh   sum of R over the rails of others
//   across, fresh   R(own) - W(own)
//   across, sealed  (m - 1) W(own)
//   inside, sealed  (g - 1) R(own)
Cost hierarchical_cost(const Part& part, const WireSize& wire) {
  const Plan plan(part);
  const std::vector<Shard> shards = plan.shards(part.elements);
  const auto nodes = static_cast<std::size_t>(part.topology.nodes());
  const std::size_t ranks_of_node = part.topology.members(plan.node()).size();

  std::size_t rail = 0, own = 0;
  if (plan.has_rail()) {
    rail = wire_bytes(std::span(shards).subspan(static_cast<std::size_t>(plan.rail()) * nodes, nodes), wire);
    own = wire_bytes(shards[static_cast<std::size_t>(plan.own_shard())], wire);
  }
  const int levels = (plan.inside() ? 1 : 0) + (plan.across() ? 1 : 0);
  const int seals = levels > 0 ? 1 : 0;
  return {2 * levels, levels + seals,
          wire_bytes(shards, wire) - rail + (rail - own) + (nodes - 1) * own + (ranks_of_node - 1) * rail};
}

}  // namespace eightfold::comm::schedules
