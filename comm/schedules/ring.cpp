#include "comm/schedules/builder.hpp"

namespace eightfold::comm::schedules {

// With 4 ranks, what rank 1 sends to rank 2, round by round:
//   fresh  0 3 2    shard 0 as it has it; then 3 and 2, which it has just added to
//   sealed 1 0 3    its own, for which the last contribution came in round 2; then what it has just received
// A shard's sum starts at the rank after its owner and ends at the owner.
Schedule ring(const Part& part) {
  const int ranks = part.topology.ranks();
  const int next = (part.rank + 1) % ranks, previous = (part.rank + ranks - 1) % ranks;
  const auto shard_behind = [&](int distance) { return (part.rank + 2 * ranks - distance) % ranks; };

  Builder builder(shard_per_rank(part));
  for (int hop = 0; hop + 1 < ranks; ++hop) {
    builder.next_round();
    builder.send_fresh(shard_behind(hop + 1), next);
    builder.receive_add(shard_behind(hop + 2), previous);
  }
  for (int hop = 0; hop + 1 < ranks; ++hop) {
    builder.next_round();
    if (hop == 0) builder.seal(part.rank);
    builder.send_sealed(shard_behind(hop), next);
    builder.receive_final(shard_behind(hop + 1), previous);
  }
  return std::move(builder).take();
}

// Sums of all shards but its own, sealed bytes of all but the next rank's.
Cost ring_cost(const Part& part, const WireSize& wire) {
  const int ranks = part.topology.ranks();
  if (ranks == 1) return {};
  const std::vector<Shard> shards = shard_per_rank(part);
  const Shard& own = shards[static_cast<std::size_t>(part.rank)];
  const Shard& next = shards[static_cast<std::size_t>((part.rank + 1) % ranks)];
  return {2 * (ranks - 1), ranks,
          2 * wire_bytes(shards, wire) - wire_bytes(own, wire) - wire_bytes(next, wire)};
}

}  // namespace eightfold::comm::schedules
