#include "comm/schedules/builder.hpp"

#include <bit>

namespace eightfold::comm::schedules {
namespace {

// The largest power of two up to the number of ranks. Ranks below it take part in the doubling; rank `core +
// i` leaves its values to rank i.
int core_ranks(const Part& part) {
  return static_cast<int>(std::bit_floor(static_cast<unsigned>(part.topology.ranks())));
}

void take_part(Builder& builder, const Part& part, int core) {
  const int deputised = part.topology.ranks() - core;  // how many ranks below core stand for another one
  if (deputised > 0) {
    builder.next_round();
    if (part.rank < deputised) builder.receive_add(0, part.rank + core);
  }
  for (int distance = 1; distance < core; distance *= 2) {
    builder.next_round();
    builder.send_fresh(0, part.rank ^ distance);
    builder.receive_add(0, part.rank ^ distance);
  }
  if (deputised > 0) {
    builder.next_round();
    if (part.rank >= deputised) return;
    builder.seal(0);
    builder.send_sealed(0, part.rank + core);
  }
}

void have_a_deputy(Builder& builder, const Part& part, int core) {
  builder.next_round();
  builder.send_fresh(0, part.rank - core);
  for (int distance = 1; distance < core; distance *= 2) builder.next_round();
  builder.next_round();
  builder.receive_final(0, part.rank - core);
}

}  // namespace

// Before the round of distance d, aligned groups of d ranks have the same sum, bit for bit. Both ranks of a
// pair add the lower group's sum first, so they stay equal.
Schedule recursive_doubling(const Part& part) {
  const int core = core_ranks(part);
  Builder builder({{0, part.elements, kNoRank}});
  if (part.rank < core) {
    take_part(builder, part, core);
  } else {
    have_a_deputy(builder, part, core);
  }
  return std::move(builder).take();
}

// A message per doubling, and one more for each rank that has a deputy and for each deputy.
Cost recursive_doubling_cost(const Part& part, const WireSize& wire) {
  const int core = core_ranks(part), deputised = part.topology.ranks() - core;
  const int doublings = std::countr_zero(static_cast<unsigned>(core));
  const int sent = part.rank >= core ? 1 : doublings + (part.rank < deputised ? 1 : 0);
  return {doublings + (deputised > 0 ? 2 : 0), 0,
          static_cast<std::size_t>(sent) * wire_bytes({0, part.elements}, wire)};
}

}  // namespace eightfold::comm::schedules
