#pragma once

// The algorithms: pure functions from a rank's part in a collective to its Schedule, one source file each.
// With every schedule comes its cost by formula, derived from the algorithm and not from the schedule; the
// prover holds one against the other. docs/collectives.md has the formulas and says when each algorithm is
// the fastest.
//
// In the comments N is the number of ranks, and W(s) the bytes of shard s on the wire.

#include "comm/schedules/schedule.hpp"
#include "comm/schedules/topology.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace eightfold::comm::schedules {

// One rank's part in a collective. Apart from `rank` it is the same on every rank.
struct Part {
  const Topology& topology;
  int rank = 0;
  std::int64_t elements = 0;
  int root = 0;  // of broadcast, scatter and gather
};

struct Cost {
  int rounds = 0;              // messages that follow each other
  int quantisations = 0;       // how often the values of one rank are encoded on their way, at most
  std::size_t bytes_sent = 0;  // by this rank

  friend bool operator==(const Cost&, const Cost&) = default;
};

// One rank alone has nothing to do: no rounds, no bytes, nothing is encoded.

// Everybody sends every owner its shard, encoded; the owner adds and seals; the sealed bytes go to everybody.
// 2 rounds, 2 quantisations, sum of W(s) over the shards of others + (N - 1) W(own).
Schedule two_shot(const Part& part);
Cost two_shot_cost(const Part& part, const WireSize& wire);

// Two-shot along each rail between a reduce-scatter and an all-gather inside the nodes: between nodes travels
// only what the node has added up. Nodes may differ in size; ranks beyond the smallest node own no shard.
// 4 rounds, 3 quantisations.
Schedule hierarchical(const Part& part);
Cost hierarchical_cost(const Part& part, const WireSize& wire);

// A shard's sum goes around, each rank adding its own; then the sealed bytes go around. Neighbours only.
// 2 (N - 1) rounds, N quantisations.
Schedule ring(const Part& part);
Cost ring_cost(const Part& part, const WireSize& wire);

// Pairs exchange all they have, at distances 1, 2, 4 ... Ranks beyond the largest power of two have a deputy
// that takes part for them. For codecs without loss: partial sums re-encoded would differ between ranks.
Schedule recursive_doubling(const Part& part);
Cost recursive_doubling_cost(const Part& part, const WireSize& wire);

// The two halves of two_shot. 1 round, 1 quantisation each.
Schedule reduce_scatter(const Part& part);
Cost reduce_scatter_cost(const Part& part, const WireSize& wire);
Schedule all_gather(const Part& part);
Cost all_gather_cost(const Part& part, const WireSize& wire);

// Each shard from the root to its owner, from there to everybody. 2 rounds, 1 quantisation.
Schedule broadcast(const Part& part);
Cost broadcast_cost(const Part& part, const WireSize& wire);

// Each shard from the root to its owner, and back. 1 round, 1 quantisation: of the root's own shard, too, so
// that values do not depend on who owns them.
Schedule scatter(const Part& part);
Cost scatter_cost(const Part& part, const WireSize& wire);
Schedule gather(const Part& part);
Cost gather_cost(const Part& part, const WireSize& wire);

struct Generator {
  std::string_view name;  // as in configs and reports
  Collective collective;
  bool exact_only;  // for codecs without loss
  Schedule (*schedule)(const Part& part);
  Cost (*cost)(const Part& part, const WireSize& wire);
};

std::span<const Generator> generators();
// Null if there is none of this name.
const Generator* find_generator(std::string_view name);
// The same among those that sum over all ranks.
const Generator* find_allreduce(std::string_view name);
// The names of all generators that sum over all ranks, in the order of generators().
std::vector<std::string_view> allreduce_names();

}  // namespace eightfold::comm::schedules
