#include "comm/measure/link.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <cmath>

using namespace eightfold;
using test::world;

namespace {

bool is_everybodys(double time_s) {
  return world().max(time_s) == time_s && -world().max(-time_s) == time_s;
}

}  // namespace

TEST_CASE("every rank learns the same times, whichever pair is measured and however many segments travel") {
  comm::measure::LinkMeter meter(world(), {.segment_bytes = 1000, .in_flight = 3, .repeats = 2});
  const comm::schedules::Topology topology = comm::schedules::Topology::uniform(1, world().size());
  for (const comm::measure::RankPair& pair : rank_pairs(topology, comm::measure::PairChoice::all))
    for (const std::size_t bytes : {1U, 999U, 1000U, 1001U, 10000U}) {
      const double one_way_s = meter.one_way_s(pair, bytes), both_ways_s = meter.both_ways_s(pair, bytes);
      CHECK_ALL_RANKS(one_way_s > 0 && both_ways_s > 0);
      CHECK_ALL_RANKS(is_everybodys(one_way_s));
      CHECK_ALL_RANKS(is_everybodys(both_ways_s));
    }
  const double ring_s = meter.ring_s(12345);
  CHECK_ALL_RANKS(world().size() == 1 ? ring_s == 0 : ring_s > 0);
  CHECK_ALL_RANKS(is_everybodys(ring_s));
  // What spends the credit leaves nothing under way that the next measurement would take for its own.
  meter.spend_credit();
  CHECK_ALL_RANKS(is_everybodys(meter.ring_s(1)));
}
