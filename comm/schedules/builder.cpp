#include "comm/schedules/builder.hpp"

#include <numeric>

namespace eightfold::comm::schedules {
namespace {

template <class Function>
void for_each_shard(const Member& member, Function&& function) {
  for (int shard = member.first; shard < member.first + member.count; ++shard) function(shard);
}

// The other members from `self` on, upwards for sends, downwards for receives.
template <class Function>
void for_each_next(std::span<const Member> members, int self, Function&& function) {
  const auto size = static_cast<int>(members.size());
  for (int distance = 1; distance < size; ++distance)
    function(members[static_cast<std::size_t>((self + distance) % size)]);
}
template <class Function>
void for_each_previous(std::span<const Member> members, int self, Function&& function) {
  const auto size = static_cast<int>(members.size());
  for (int distance = 1; distance < size; ++distance)
    function(members[static_cast<std::size_t>((self + size - distance) % size)]);
}

}  // namespace

void exchange_fresh(Builder& builder, std::span<const Member> members, int self) {
  const Member& own = members[static_cast<std::size_t>(self)];
  for_each_next(members, self, [&](const Member& peer) {
    for_each_shard(peer, [&](int shard) { builder.send_fresh(shard, peer.rank); });
  });
  for_each_previous(members, self, [&](const Member& peer) {
    for_each_shard(own, [&](int shard) { builder.receive_add(shard, peer.rank); });
  });
}

void exchange_sealed(Builder& builder, std::span<const Member> members, int self) {
  const Member& own = members[static_cast<std::size_t>(self)];
  for_each_next(members, self, [&](const Member& peer) {
    for_each_shard(own, [&](int shard) { builder.send_sealed(shard, peer.rank); });
  });
  for_each_previous(members, self, [&](const Member& peer) {
    for_each_shard(peer, [&](int shard) { builder.receive_final(shard, peer.rank); });
  });
}

std::vector<Shard> shard_per_rank(const Part& part) {
  std::vector<int> owners(static_cast<std::size_t>(part.topology.ranks()));
  std::iota(owners.begin(), owners.end(), 0);
  return even_shards(part.elements, owners);
}

std::vector<Member> all_ranks(const Part& part) {
  std::vector<Member> members;
  for (int rank = 0; rank < part.topology.ranks(); ++rank) members.push_back({rank, rank, 1});
  return members;
}

std::size_t wire_bytes(const Shard& shard, const WireSize& wire) {
  return shard.count > 0 ? wire(shard.count) : 0;
}

std::size_t wire_bytes(std::span<const Shard> shards, const WireSize& wire) {
  std::size_t bytes = 0;
  for (const Shard& shard : shards) bytes += wire_bytes(shard, wire);
  return bytes;
}

}  // namespace eightfold::comm::schedules
