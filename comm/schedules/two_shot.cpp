#include "comm/schedules/builder.hpp"

namespace eightfold::comm::schedules {

Schedule two_shot(const Part& part) {
  Builder builder(shard_per_rank(part));
  if (part.topology.ranks() > 1) {
    const std::vector<Member> everybody = all_ranks(part);
    builder.next_round();
    exchange_fresh(builder, everybody, part.rank);
    builder.next_round();
    builder.seal(part.rank);
    exchange_sealed(builder, everybody, part.rank);
  }
  return std::move(builder).take();
}

// Its two halves.
Cost two_shot_cost(const Part& part, const WireSize& wire) {
  const Cost first = reduce_scatter_cost(part, wire), second = all_gather_cost(part, wire);
  return {first.rounds + second.rounds, first.quantisations + second.quantisations,
          first.bytes_sent + second.bytes_sent};
}

}  // namespace eightfold::comm::schedules
