#include "comm/schedules/builder.hpp"

namespace eightfold::comm::schedules {

Schedule scatter(const Part& part) {
  const int ranks = part.topology.ranks();
  Builder builder(shard_per_rank(part));
  if (ranks == 1) return std::move(builder).take();
  builder.next_round();
  if (part.rank != part.root) {
    builder.receive_final(part.rank, part.root);
    return std::move(builder).take();
  }
  for (int distance = 0; distance < ranks; ++distance) builder.seal((part.rank + distance) % ranks);
  for (int distance = 1; distance < ranks; ++distance) {
    const int peer = (part.rank + distance) % ranks;
    builder.send_sealed(peer, peer);
  }
  return std::move(builder).take();
}

// The root: the shards of the others.
Cost scatter_cost(const Part& part, const WireSize& wire) {
  if (part.topology.ranks() == 1) return {};
  if (part.rank != part.root) return {1, 1, 0};
  const std::vector<Shard> shards = shard_per_rank(part);
  return {1, 1, wire_bytes(shards, wire) - wire_bytes(shards[static_cast<std::size_t>(part.rank)], wire)};
}

}  // namespace eightfold::comm::schedules
