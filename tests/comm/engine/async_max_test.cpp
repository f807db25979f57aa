#include "comm/engine/async_max.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <algorithm>

using namespace eightfold;
using comm::engine::Engine;
using comm::engine::Vote;
using test::world;

TEST_CASE("the outcome of a vote is the largest number that any rank named") {
  const auto me = static_cast<std::uint32_t>(world().rank());
  const auto ranks = static_cast<std::uint32_t>(world().size());
  bool is_maximum = true;
  {
    Engine engine(world());
    Vote vote(engine, 1);
    for (std::uint32_t round = 0; round < 50; ++round) {
      // Each round another rank names the most.
      vote.cast((me + round) % ranks + 100 * round);
      is_maximum = is_maximum && vote.outcome() == ranks - 1 + 100 * round;
    }
  }
  CHECK_ALL_RANKS(is_maximum);
}

TEST_CASE("votes are answered in the order in which they were cast, whatever travels beside them") {
  std::vector<std::uint32_t> outcomes;
  std::vector<double> sums;
  {
    Engine engine(world());
    Vote vote(engine, 3);
    for (std::uint32_t i = 0; i < 20; ++i) {
      vote.cast(world().rank() == 0 ? i : 0);
      engine.submit([&sums](comm::mpi::Communicator& communicator) {
        std::vector<double> one = {1};
        communicator.sum(std::span<double>(one));
        sums.push_back(one[0]);
      });
      if (vote.under_way() == 3) outcomes.push_back(vote.outcome());
    }
    while (vote.under_way() > 0) outcomes.push_back(vote.outcome());
  }
  std::vector<std::uint32_t> expected(20);
  for (std::uint32_t i = 0; i < 20; ++i) expected[i] = i;
  CHECK_ALL_RANKS(outcomes == expected);
  CHECK_ALL_RANKS(std::ranges::count(sums, world().size()) == 20);
}

TEST_CASE("what is not asked for is over before the vote is gone") {
  std::uint32_t outcome = 0;
  {
    Engine engine(world());
    {
      Vote vote(engine, 2);
      vote.cast(1);
      vote.cast(2);
    }
    Vote vote(engine, 1);
    vote.cast(7);
    outcome = vote.outcome();
  }
  CHECK_ALL_RANKS(outcome == 7);
}

TEST_CASE("a failed engine fails the vote") {
  bool has_thrown = false;
  {
    Engine engine(world());
    Vote vote(engine, 1);
    engine.submit([](comm::mpi::Communicator&) { base::raise<base::DataError>("gone"); });
    vote.cast(1);
    try {
      vote.outcome();
    } catch (const base::DataError&) {
      has_thrown = true;
    }
  }
  CHECK_ALL_RANKS(has_thrown);
}
