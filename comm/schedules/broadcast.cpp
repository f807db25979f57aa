#include "comm/schedules/builder.hpp"

namespace eightfold::comm::schedules {
namespace {

void be_root(Builder& builder, const Part& part) {
  const int ranks = part.topology.ranks();
  builder.next_round();
  for (int distance = 0; distance < ranks; ++distance) builder.seal((part.rank + distance) % ranks);
  for (int distance = 1; distance < ranks; ++distance) {
    const int peer = (part.rank + distance) % ranks;
    builder.send_sealed(peer, peer);
  }
  builder.next_round();
  for (int distance = 1; distance < ranks; ++distance)
    builder.send_sealed(part.rank, (part.rank + distance) % ranks);
}

void be_another(Builder& builder, const Part& part) {
  const int ranks = part.topology.ranks();
  builder.next_round();
  builder.receive_final(part.rank, part.root);
  builder.next_round();
  for (int distance = 1; distance < ranks; ++distance) {
    const int peer = (part.rank + distance) % ranks;
    if (peer != part.root) builder.send_sealed(part.rank, peer);
  }
  for (int distance = 1; distance < ranks; ++distance) {
    const int peer = (part.rank + ranks - distance) % ranks;
    builder.receive_final(peer, peer);
  }
}

}  // namespace

// A scatter and an all-gather in which the root, which has it all, only sends.
Schedule broadcast(const Part& part) {
  Builder builder(shard_per_rank(part));
  if (part.topology.ranks() == 1) return std::move(builder).take();
  if (part.rank == part.root) {
    be_root(builder, part);
  } else {
    be_another(builder, part);
  }
  return std::move(builder).take();
}

// The root: the shards of the others once, its own to everybody. The others: their own to all but the root.
Cost broadcast_cost(const Part& part, const WireSize& wire) {
  if (part.topology.ranks() == 1) return {};
  const std::vector<Shard> shards = shard_per_rank(part);
  const std::size_t own = wire_bytes(shards[static_cast<std::size_t>(part.rank)], wire);
  const auto others = static_cast<std::size_t>(part.topology.ranks() - 1);
  if (part.rank == part.root) return {2, 1, wire_bytes(shards, wire) - own + others * own};
  return {2, 1, (others - 1) * own};
}

}  // namespace eightfold::comm::schedules
