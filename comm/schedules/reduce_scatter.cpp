#include "comm/schedules/builder.hpp"

namespace eightfold::comm::schedules {

Schedule reduce_scatter(const Part& part) {
  Builder builder(shard_per_rank(part));
  if (part.topology.ranks() > 1) {
    builder.next_round();
    exchange_fresh(builder, all_ranks(part), part.rank);
  }
  return std::move(builder).take();
}

// The shards of the others.
Cost reduce_scatter_cost(const Part& part, const WireSize& wire) {
  if (part.topology.ranks() == 1) return {};
  const std::vector<Shard> shards = shard_per_rank(part);
  const Shard& own = shards[static_cast<std::size_t>(part.rank)];
  return {1, 1, wire_bytes(shards, wire) - wire_bytes(own, wire)};
}

}  // namespace eightfold::comm::schedules
