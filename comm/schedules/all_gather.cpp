#include "comm/schedules/builder.hpp"

namespace eightfold::comm::schedules {

Schedule all_gather(const Part& part) {
  Builder builder(shard_per_rank(part));
  if (part.topology.ranks() > 1) {
    builder.next_round();
    builder.seal(part.rank);
    exchange_sealed(builder, all_ranks(part), part.rank);
  }
  return std::move(builder).take();
}

// The own shard, to every other rank.
Cost all_gather_cost(const Part& part, const WireSize& wire) {
  if (part.topology.ranks() == 1) return {};
  const std::vector<Shard> shards = shard_per_rank(part);
  const auto others = static_cast<std::size_t>(part.topology.ranks() - 1);
  return {1, 1, others * wire_bytes(shards[static_cast<std::size_t>(part.rank)], wire)};
}

}  // namespace eightfold::comm::schedules
