#pragma once

// Runs the schedules of all ranks symbolically: a value is an expression over the ranks' contributions, not
// numbers. Schedules that pass are proven for every gradient, codec and arrival order; 128 ranks take
// milliseconds. Others are a defect of this program: InternalError, with rank, round, shard and fault.

#include "comm/schedules/generators.hpp"
#include "comm/schedules/schedule.hpp"

#include <span>

namespace eightfold::comm::prover {

// The claim to prove: what a set of schedules does.
struct Claim {
  schedules::Collective collective = schedules::Collective::all_reduce;
  std::int64_t elements = 0;
  int root = 0;        // of broadcast, scatter and gather
  bool exact = false;  // the codec is without loss: decoding gives back what was encoded
};

struct Proof {
  int rounds = 0;
  int quantisations = 0;  // the most that any contribution has behind it at the end
};

// Proves, for the schedules of rank 0, 1 ...:
// 1. The shards are the same on all ranks, divide the elements among them and begin at blocks.
// 2. Every message that is sent is received, once, and the other way round, by its address (rule 2 of
//    comm/schedules/schedule.hpp).
// 3. Every rank comes to its end, even if a round ends only when all its messages have met (no deadlock).
// 4. Only what is there is sent and added to; a sealed shard is neither added to nor encoded again; a shard
//    is not received twice.
// 5. Every rank that is to have a shard in the end has every contribution to it exactly once. All these ranks
//    have the same bits.
Proof prove(std::span<const schedules::Schedule> schedules, const Claim& claim);

// The generator's schedules for all ranks, proven; and their bytes and rounds are those of its formulas, and
// quantisations are no more. `wire` is any size that shards may have on the wire.
Proof prove(const schedules::Generator& generator, const schedules::Topology& topology, std::int64_t elements,
            int root, const schedules::WireSize& wire);

}  // namespace eightfold::comm::prover
