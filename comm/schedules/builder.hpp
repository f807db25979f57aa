#pragma once

// Tools of the generators: a Schedule under construction, and the two exchanges that most of them consist of.
// Internal to comm/schedules/.

#include "comm/schedules/generators.hpp"

namespace eightfold::comm::schedules {

// Steps are appended to the current round; those on an empty shard are left out, on both sides alike.
class Builder {
 public:
  explicit Builder(std::vector<Shard> shards) { schedule_.shards = std::move(shards); }

  // Every rank calls it equally often, so that rounds have the same number everywhere.
  void next_round() { schedule_.rounds.emplace_back(); }

  void seal(int shard) { append({Action::seal, shard}); }
  void send_fresh(int shard, int peer) { append({Action::send_fresh, shard, peer}); }
  void send_sealed(int shard, int peer) { append({Action::send_sealed, shard, peer}); }
  void receive_add(int shard, int peer) { append({Action::receive_add, shard, peer}); }
  void receive_final(int shard, int peer) { append({Action::receive_final, shard, peer}); }

  Schedule take() && { return std::move(schedule_); }

 private:
  void append(const Step& step) {
    if (schedule_.shards[static_cast<std::size_t>(step.shard)].count > 0)
      schedule_.rounds.back().push_back(step);
  }

  Schedule schedule_;
};

// A rank and the shards [first, first + count) that it stands for in an exchange among several.
struct Member {
  int rank = 0;
  int first = 0;
  int count = 0;
};

// Each sends every other one its shards, fresh, and adds what arrives for its own. `self` is the place of
// this rank among the members.
//
// The steps go round the members from this one on: rank r sends to r + 1, r + 2 ... and receives from r - 1,
// r - 2 ... So ranks at the same step send to different ranks, and none is flooded.
void exchange_fresh(Builder& builder, std::span<const Member> members, int self);
// Each sends its own shards, sealed, to every other one, and receives theirs. In the same order.
void exchange_sealed(Builder& builder, std::span<const Member> members, int self);

// One shard per rank: shard r is rank r's.
std::vector<Shard> shard_per_rank(const Part& part);
// The ranks, each with its shard.
std::vector<Member> all_ranks(const Part& part);

// Sums of W over shards, for the formulas.
std::size_t wire_bytes(const Shard& shard, const WireSize& wire);
std::size_t wire_bytes(std::span<const Shard> shards, const WireSize& wire);

}  // namespace eightfold::comm::schedules
