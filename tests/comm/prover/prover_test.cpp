#include "comm/prover/prover.hpp"

#include "kernels/base/error.hpp"
#include "tests/comm/schedules/wire_size.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <functional>
#include <string>

using namespace eightfold;
using namespace eightfold::comm;
using schedules::Generator;
using test::odd_wire_size;

namespace {

using Mistake = std::function<void(std::vector<schedules::Schedule>&)>;

std::vector<schedules::Schedule> all_schedules(std::string_view name, const schedules::Topology& topology,
                                               std::int64_t elements) {
  std::vector<schedules::Schedule> all;
  for (int rank = 0; rank < topology.ranks(); ++rank)
    all.push_back(schedules::find_generator(name)->schedule({topology, rank, elements}));
  return all;
}

// What the prover says of a proven schedule, of 4 ranks with a block each, once the mistake is in it.
std::string verdict(std::string_view name, const Mistake& mistake) {
  const Generator& generator = *schedules::find_generator(name);
  const prover::Claim claim{generator.collective, 4 * 256, 0, generator.exact_only};
  std::vector<schedules::Schedule> all =
      all_schedules(name, schedules::Topology::uniform(4, 1), claim.elements);
  prover::prove(all, claim);
  mistake(all);
  try {
    prover::prove(all, claim);
  } catch (const base::InternalError& error) {
    return error.what();
  }
  return "proven";
}

void remove(schedules::Round& round, const schedules::Step& step) {
  REQUIRE(std::erase(round, step) == 1);
}
void replace(schedules::Round& round, const schedules::Step& step, const schedules::Step& by) {
  const auto found = std::ranges::find(round, step);
  REQUIRE(found != round.end());
  *found = by;
}

constexpr schedules::Step seal(int shard) {
  return {schedules::Action::seal, shard};
}
constexpr schedules::Step send_fresh(int shard, int peer) {
  return {schedules::Action::send_fresh, shard, peer};
}
constexpr schedules::Step send_sealed(int shard, int peer) {
  return {schedules::Action::send_sealed, shard, peer};
}
constexpr schedules::Step receive_add(int shard, int peer) {
  return {schedules::Action::receive_add, shard, peer};
}
constexpr schedules::Step receive_final(int shard, int peer) {
  return {schedules::Action::receive_final, shard, peer};
}

}  // namespace

TEST_CASE("a message that is not received is found") {
  CHECK(verdict("two_shot", [](auto& all) { remove(all[2].rounds[0], receive_add(2, 1)); }) ==
        "rank 1 sends shard 2 fresh to rank 2 in round 0, but rank 2 does not add it");
  CHECK(verdict("ring", [](auto& all) { remove(all[2].rounds[3], receive_final(1, 1)); }) ==
        "rank 1 sends shard 1 sealed to rank 2 in round 3, but rank 2 does not receive it");
}

TEST_CASE("a message that is not sent is found") {
  CHECK(verdict("two_shot", [](auto& all) { remove(all[1].rounds[0], send_fresh(2, 2)); }) ==
        "rank 2 adds shard 2 from rank 1 in round 0, but rank 1 does not send it fresh");
  CHECK(verdict("gather", [](auto& all) { remove(all[3].rounds[0], send_sealed(3, 0)); }) ==
        "rank 0 receives shard 3 sealed from rank 3 in round 0, but rank 3 does not send it sealed");
}

TEST_CASE("a message to the wrong rank is found") {
  CHECK(verdict("two_shot", [](auto& all) {
          replace(all[0].rounds[0], send_fresh(1, 1), send_fresh(1, 3));
        }) == "rank 1 adds shard 1 from rank 0 in round 0, but rank 0 does not send it fresh");
}

TEST_CASE("a message sent or received twice is found") {
  CHECK(verdict("two_shot", [](auto& all) { all[1].rounds[1].push_back(send_fresh(2, 2)); }) ==
        "rank 1 sends shard 2 fresh to rank 2 in round 0, and again in round 1");
  CHECK(verdict("two_shot", [](auto& all) { all[2].rounds[1].push_back(receive_add(2, 1)); }) ==
        "rank 2 adds shard 2 from rank 1 in round 0, and again in round 1");
}

TEST_CASE("sealed bytes taken for a contribution are found") {
  CHECK(verdict("all_gather", [](auto& all) {
          replace(all[2].rounds[0], receive_final(1, 1), receive_add(1, 1));
        }) == "rank 2 adds shard 1 from rank 1 in round 0, but rank 1 does not send it fresh");
}

TEST_CASE("peers and shards that do not exist are found") {
  CHECK(verdict("ring", [](auto& all) { all[0].rounds[0].push_back(send_fresh(0, 4)); }) ==
        "rank 0 sends shard 0 fresh to rank 4 in round 0: there are 4 ranks");
  CHECK(verdict("ring", [](auto& all) { all[0].rounds[0].push_back(send_fresh(0, -1)); }) ==
        "rank 0 sends shard 0 fresh to rank -1 in round 0: there are 4 ranks");
  CHECK(verdict("ring", [](auto& all) { all[3].rounds[1].push_back(receive_add(0, 3)); }) ==
        "rank 3 adds shard 0 from rank 3 in round 1: that is itself");
  CHECK(verdict("ring", [](auto& all) { all[0].rounds[0].push_back(seal(4)); }) ==
        "rank 0 seals shard 4 in round 0: there are 4 shards");
}

TEST_CASE("a step on an empty shard is found") {
  std::vector<schedules::Schedule> all = all_schedules("two_shot", schedules::Topology::uniform(2, 1), 256);
  prover::prove(all, {.elements = 256});
  all[1].rounds[1].push_back(seal(1));
  CHECK_THROWS_WITH(prover::prove(all, {.elements = 256}),
                    "rank 1 seals shard 1 in round 1: the shard is empty");
}

TEST_CASE("a sum that nobody seals is found") {
  CHECK(verdict("two_shot", [](auto& all) { remove(all[1].rounds[1], seal(1)); }) ==
        "rank 1 sends shard 1 sealed to rank 2 in round 1: the shard is not sealed");
}

TEST_CASE("a shard sealed twice is found") {
  CHECK(verdict("two_shot", [](auto& all) { all[1].rounds[1].push_back(seal(1)); }) ==
        "rank 1 seals shard 1 in round 1: the shard is sealed already");
}

TEST_CASE("a shard sealed before its last contribution is found") {
  CHECK(verdict("two_shot", [](auto& all) {
          remove(all[1].rounds[1], seal(1));
          all[1].rounds[0].push_back(seal(1));
        }) == "rank 1 adds shard 1 from rank 0 in round 0: nothing is added to a sealed shard");
}

TEST_CASE("a sealed shard that is encoded again is found") {
  CHECK(verdict("all_gather", [](auto& all) {
          replace(all[1].rounds[0], send_sealed(1, 2), send_fresh(1, 2));
          replace(all[2].rounds[0], receive_final(1, 1), receive_add(1, 1));
        }) == "rank 1 sends shard 1 fresh to rank 2 in round 0: a sealed shard is not encoded again");
}

TEST_CASE("a shard received in place of one that is sealed is found") {
  CHECK(verdict("all_gather", [](auto& all) {
          all[2].rounds.push_back({send_sealed(1, 1)});
          all[1].rounds.push_back({receive_final(1, 2)});
        }) == "rank 1 receives shard 1 sealed from rank 2 in round 1: the shard is sealed already");
}

TEST_CASE("bytes passed on in the round in which they arrive are found") {
  CHECK(verdict("ring", [](auto& all) {
          remove(all[1].rounds[4], send_sealed(0, 2));
          all[1].rounds[3].push_back(send_sealed(0, 2));
        }) == "rank 1 sends shard 0 sealed to rank 2 in round 3: the shard is not sealed");
}

TEST_CASE("sending, sealing and adding to what a rank does not have are found") {
  CHECK(verdict("gather", [](auto& all) {
          all[1].rounds[0].push_back(send_fresh(2, 2));
          all[2].rounds[0].push_back(receive_add(2, 1));
        }) == "rank 1 sends shard 2 fresh to rank 2 in round 0: it has nothing of it");
  CHECK(verdict("gather", [](auto& all) { all[1].rounds[0].push_back(seal(2)); }) ==
        "rank 1 seals shard 2 in round 0: it has nothing of it");
  CHECK(verdict("scatter", [](auto& all) {
          remove(all[0].rounds[0], seal(1));
          replace(all[0].rounds[0], send_sealed(1, 1), send_fresh(1, 1));
          replace(all[1].rounds[0], receive_final(1, 0), receive_add(1, 0));
        }) == "rank 1 adds shard 1 from rank 0 in round 0: it has nothing to add to");
}

TEST_CASE("a contribution that counts twice is found") {
  // Rank 1 gets rank 2's contribution to shard 0 and passes it on to the owner, to whom rank 2 has sent it.
  CHECK(verdict("reduce_scatter", [](auto& all) {
          all[2].rounds[0].push_back(send_fresh(0, 1));
          all[1].rounds[0].push_back(receive_add(0, 2));
          remove(all[1].rounds[0], send_fresh(0, 0));
          all[1].rounds.push_back({send_fresh(0, 0)});
        }) == "rank 0 adds shard 0 from rank 1 in round 0: the contribution of rank 2 would count twice");
}

TEST_CASE("a contribution that is missing is found") {
  CHECK(verdict("two_shot", [](auto& all) {
          remove(all[3].rounds[0], send_fresh(2, 2));
          remove(all[2].rounds[0], receive_add(2, 3));
        }) == "rank 0 ends with a shard 2 that lacks the contribution of rank 3");
}

TEST_CASE("a rank that ends without a shard is found") {
  CHECK(verdict("broadcast", [](auto& all) {
          remove(all[3].rounds[1], send_sealed(3, 1));
          remove(all[1].rounds[1], receive_final(3, 3));
        }) == "rank 1 ends without shard 3");
}

TEST_CASE("replicas that differ because partial sums were encoded are found") {
  const schedules::Topology topology = schedules::Topology::uniform(1, 2);
  const std::vector<schedules::Schedule> all = all_schedules("recursive_doubling", topology, 1000);
  CHECK_NOTHROW(prover::prove(all, {.elements = 1000, .exact = true}));
  CHECK_THROWS_WITH(prover::prove(all, {.elements = 1000}),
                    "rank 0 and rank 1 end with different bits in shard 0");
}

TEST_CASE("ranks that wait for each other are found, with the chain of waits") {
  CHECK(verdict("ring", [](auto& all) { std::swap(all[0].rounds[0], all[0].rounds[1]); }) ==
        "deadlock: rank 0 sends shard 2 fresh to rank 1 in round 0; rank 1 adds shard 3 from rank 0 in round "
        "0");
}

TEST_CASE("no step of an all-reduce can be left out") {
  const schedules::Topology topology = schedules::Topology::uniform(2, 3);
  for (const std::string_view name : {"two_shot", "hierarchical", "ring", "recursive_doubling"}) {
    const bool exact = schedules::find_generator(name)->exact_only;
    const prover::Claim claim{schedules::Collective::all_reduce, 6 * 256, 0, exact};
    std::vector<schedules::Schedule> all = all_schedules(name, topology, claim.elements);
    for (schedules::Schedule& schedule : all) {
      for (schedules::Round& round : schedule.rounds) {
        const schedules::Round complete = round;
        for (std::size_t left_out = 0; left_out < complete.size(); ++left_out) {
          INFO(name << " without: " << to_string(complete[left_out]));
          round = complete;
          round.erase(round.begin() + static_cast<std::ptrdiff_t>(left_out));
          CHECK_THROWS_AS(prover::prove(all, claim), base::InternalError);
        }
        round = complete;
      }
    }
  }
}

TEST_CASE("shards that are not the same on every rank are found") {
  CHECK(verdict("two_shot", [](auto& all) { all[3].shards[0].owner = 1; }) ==
        "rank 0 and rank 3 divide the elements differently");
}

TEST_CASE("shards that leave a gap, end early or begin within a block are found") {
  const auto in_all = [](const std::function<void(std::vector<schedules::Shard>&)>& change) {
    return [change](std::vector<schedules::Schedule>& all) {
      for (schedules::Schedule& each : all) change(each.shards);
    };
  };
  CHECK(verdict("ring", in_all([](auto& shards) { shards[1].offset = 512; })) ==
        "shard 1 begins at element 512, after one that ends at 256");
  CHECK(verdict("ring", in_all([](auto& shards) { shards[3].count = 255; })) ==
        "the shards end at element 1023 of 1024");
  CHECK(verdict("ring", in_all([](auto& shards) {
                  shards[0].count = 100;
                  shards[1] = {100, 412, 1};
                })) == "shard 1 begins at element 100, within a block of 256");
}

TEST_CASE("a shard that nobody is to have is found") {
  CHECK(verdict("reduce_scatter", [](auto& all) {
          for (schedules::Schedule& each : all) each.shards[2].owner = schedules::kNoRank;
        }) == "nobody is to have shard 2");
}

TEST_CASE("a formula that is not the schedule's is found") {
  const schedules::Topology topology = schedules::Topology::uniform(4, 1);
  const auto verdict_on = [&](schedules::Cost (*cost)(const schedules::Part&, const schedules::WireSize&)) {
    Generator generator = *schedules::find_generator("two_shot");
    generator.cost = cost;
    prover::prove(generator, topology, 4 * 256, 0,
                  [](std::int64_t elements) { return std::size_t(elements); });
  };
  CHECK_THROWS_WITH(verdict_on([](const schedules::Part&, const schedules::WireSize&) -> schedules::Cost {
                      return {2, 2, 6 * 256 + 1};
                    }),
                    "two_shot: rank 0 sends 1536 bytes, by the formula 1537");
  CHECK_THROWS_WITH(verdict_on([](const schedules::Part&, const schedules::WireSize&) -> schedules::Cost {
                      return {3, 2, 6 * 256};
                    }),
                    "two_shot: 2 rounds and 2 quantisations, by the formula 3 and 2");
  CHECK_THROWS_WITH(verdict_on([](const schedules::Part&, const schedules::WireSize&) -> schedules::Cost {
                      return {2, 1, 6 * 256};
                    }),
                    "two_shot: 2 rounds and 2 quantisations, by the formula 2 and 1");
}

TEST_CASE("rounds need not have the same number on every rank") {
  // Rank 2 is idle at first, rank 0 later.
  const schedules::Schedule zero{schedules::even_shards(256, std::vector{2}), {{send_fresh(0, 1)}}};
  const schedules::Schedule one{zero.shards, {{receive_add(0, 0)}, {send_fresh(0, 2)}}};
  const schedules::Schedule two{zero.shards, {{receive_add(0, 1)}}};
  const prover::Proof proof =
      prover::prove(std::vector{zero, one, two}, {schedules::Collective::reduce_scatter, 256});
  CHECK(proof.rounds == 2);
  CHECK(proof.quantisations == 2);
}

TEST_CASE("no ranks prove nothing") {
  CHECK_THROWS_AS(prover::prove(std::vector<schedules::Schedule>{}, prover::Claim{}), base::InternalError);
}
