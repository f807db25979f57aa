#include "comm/schedules/builder.hpp"

namespace eightfold::comm::schedules {

Schedule gather(const Part& part) {
  const int ranks = part.topology.ranks();
  Builder builder(shard_per_rank(part));
  if (ranks == 1) return std::move(builder).take();
  builder.next_round();
  builder.seal(part.rank);
  if (part.rank != part.root) {
    builder.send_sealed(part.rank, part.root);
    return std::move(builder).take();
  }
  for (int distance = 1; distance < ranks; ++distance) {
    const int peer = (part.rank + distance) % ranks;
    builder.receive_final(peer, peer);
  }
  return std::move(builder).take();
}

// Everybody but the root: the own shard.
Cost gather_cost(const Part& part, const WireSize& wire) {
  if (part.topology.ranks() == 1) return {};
  if (part.rank == part.root) return {1, 1, 0};
  return {1, 1, wire_bytes(shard_per_rank(part)[static_cast<std::size_t>(part.rank)], wire)};
}

}  // namespace eightfold::comm::schedules
