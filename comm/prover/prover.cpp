#include "comm/prover/prover.hpp"

#include "comm/prover/execution.hpp"
#include "comm/prover/messages.hpp"
#include "comm/prover/values.hpp"
#include "kernels/base/error.hpp"
#include "quant8/format.hpp"

#include <algorithm>

namespace eightfold::comm::prover {
namespace {

// Encoders count blocks from the beginning of a shard. If that lay within a block of the bucket, a scale
// could serve elements of two tensors. An empty shard encodes nothing, and may follow one that ends within a
// block.
void check_shards(std::span<const schedules::Schedule> schedules, std::int64_t elements) {
  const std::vector<schedules::Shard>& shards = schedules.front().shards;
  for (std::size_t rank = 1; rank < schedules.size(); ++rank)
    if (schedules[rank].shards != shards)
      base::raise<base::InternalError>("rank 0 and rank {} divide the elements differently", rank);
  std::int64_t end = 0;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (shards[i].offset != end || shards[i].count < 0)
      base::raise<base::InternalError>("shard {} begins at element {}, after one that ends at {}", i,
                                       shards[i].offset, end);
    if (shards[i].count > 0 && end % quant8::kBlock != 0)
      base::raise<base::InternalError>("shard {} begins at element {}, within a block of {}", i, end,
                                       quant8::kBlock);
    end += shards[i].count;
  }
  if (end != elements) base::raise<base::InternalError>("the shards end at element {} of {}", end, elements);
}

// The ranks that contribute to a shard, and those that must have it in the end.
struct Goal {
  schedules::Collective collective;
  int root;
  std::span<const schedules::Shard> shards;

  bool contributes(int rank, int shard) const {
    switch (collective) {
      case schedules::Collective::all_reduce:
      case schedules::Collective::reduce_scatter:
        return true;
      case schedules::Collective::all_gather:
      case schedules::Collective::gather:
        return rank == owner(shard);
      case schedules::Collective::broadcast:
      case schedules::Collective::scatter:
        return rank == root;
    }
    base::raise<base::InternalError>("collective {} is unknown", static_cast<int>(collective));
  }
  bool receives(int rank, int shard) const {
    switch (collective) {
      case schedules::Collective::all_reduce:
      case schedules::Collective::all_gather:
      case schedules::Collective::broadcast:
        return true;
      case schedules::Collective::reduce_scatter:
      case schedules::Collective::scatter:
        return rank == owner(shard);
      case schedules::Collective::gather:
        return rank == root;
    }
    base::raise<base::InternalError>("collective {} is unknown", static_cast<int>(collective));
  }

 private:
  int owner(int shard) const { return shards[static_cast<std::size_t>(shard)].owner; }
};

void check_complete(const Goal& goal, const Values& values, Values::Id value, int ranks, int rank,
                    int shard) {
  if (value == Values::kNothing)
    base::raise<base::InternalError>("rank {} ends without shard {}", rank, shard);
  for (int contributor = 0; contributor < ranks; ++contributor)
    if (goal.contributes(contributor, shard) && !values.contains(value, contributor))
      base::raise<base::InternalError>("rank {} ends with a shard {} that lacks the contribution of rank {}",
                                       rank, shard, contributor);
}

// Returns the quantisations that the shard's contributions have behind them.
// Of two ranks that differ in a shard one may lack a contribution. That explains the fault better than
// different bits do, so it is looked for first.
int check_shard(const Goal& goal, const Execution& execution, const Values& values, int ranks, int shard) {
  int first_rank = schedules::kNoRank, quantisations = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    if (!goal.receives(rank, shard)) continue;
    const Values::Id value = execution.value(rank, shard);
    if (first_rank != schedules::kNoRank && value == execution.value(first_rank, shard)) continue;
    check_complete(goal, values, value, ranks, rank, shard);
    if (first_rank != schedules::kNoRank)
      base::raise<base::InternalError>("rank {} and rank {} end with different bits in shard {}", first_rank,
                                       rank, shard);
    first_rank = rank;
    quantisations = values.quantisations(value);
  }
  if (first_rank == schedules::kNoRank) base::raise<base::InternalError>("nobody is to have shard {}", shard);
  return quantisations;
}

}  // namespace

// Claim 1 is check_shards(), claim 2 placed_steps() and join_messages(), claims 3 and 4 Execution::run(),
// claim 5 check_shard(). Each relies on those before it: joining needs shards that exist, a run needs
// messages that meet.
// Nothing is computed. A value is the expression that makes it, so a proof holds for every gradient. Two
// ranks have the same bits if they have the same expression. The reverse does not hold: a schedule may fail
// that would be right for some codec.
Proof prove(std::span<const schedules::Schedule> schedules, const Claim& claim) {
  base::require(!schedules.empty(), "no ranks, nothing to prove");
  check_shards(schedules, claim.elements);
  std::vector<PlacedStep> steps = placed_steps(schedules);
  join_messages(steps);

  const std::vector<schedules::Shard>& shards = schedules.front().shards;
  const auto ranks = static_cast<int>(schedules.size()), shard_count = static_cast<int>(shards.size());
  const Goal goal{claim.collective, claim.root, shards};
  Values values(ranks, claim.exact);
  Execution execution(steps, ranks, shard_count, values,
                      [&](int rank, int shard) { return goal.contributes(rank, shard); });
  execution.run();

  Proof proof;
  for (const schedules::Schedule& schedule : schedules)
    proof.rounds = std::max(proof.rounds, static_cast<int>(schedule.rounds.size()));
  for (int shard = 0; shard < shard_count; ++shard)
    if (shards[static_cast<std::size_t>(shard)].count > 0)
      proof.quantisations = std::max(proof.quantisations, check_shard(goal, execution, values, ranks, shard));
  return proof;
}

// The formulas are derived from the algorithm and not counted from its schedule. So they check the generator,
// and it checks them.
Proof prove(const schedules::Generator& generator, const schedules::Topology& topology, std::int64_t elements,
            int root, const schedules::WireSize& wire) {
  std::vector<schedules::Schedule> schedules;
  for (int rank = 0; rank < topology.ranks(); ++rank)
    schedules.push_back(generator.schedule({topology, rank, elements, root}));
  const Proof proof = prove(schedules, {generator.collective, elements, root, generator.exact_only});
  for (int rank = 0; rank < topology.ranks(); ++rank) {
    const schedules::Cost cost = generator.cost({topology, rank, elements, root}, wire);
    const std::size_t sent = schedules::bytes_sent(schedules[static_cast<std::size_t>(rank)], wire);
    if (sent != cost.bytes_sent)
      base::raise<base::InternalError>("{}: rank {} sends {} bytes, by the formula {}", generator.name, rank,
                                       sent, cost.bytes_sent);
    // Rounds are exact. Quantisations are a bound: they are the most of all shards, and some may be empty.
    if (proof.rounds != cost.rounds || proof.quantisations > cost.quantisations)
      base::raise<base::InternalError>("{}: {} rounds and {} quantisations, by the formula {} and {}",
                                       generator.name, proof.rounds, proof.quantisations, cost.rounds,
                                       cost.quantisations);
  }
  return proof;
}

}  // namespace eightfold::comm::prover
