#include "comm/engine/async_max.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <algorithm>

using namespace eightfold;
using comm::engine::AsyncMax;
using comm::engine::Engine;
using test::world;

TEST_CASE("the result is the largest number that any rank submitted") {
  const auto me = static_cast<std::uint32_t>(world().rank());
  const auto ranks = static_cast<std::uint32_t>(world().size());
  bool is_maximum = true;
  {
    Engine engine(world());
    AsyncMax maximum(engine, 1);
    for (std::uint32_t round = 0; round < 50; ++round) {
      // Each round another rank submits the largest.
      maximum.submit((me + round) % ranks + 100 * round);
      is_maximum = is_maximum && maximum.result() == ranks - 1 + 100 * round;
    }
  }
  CHECK_ALL_RANKS(is_maximum);
}

TEST_CASE("maxima come in the order of submission, whatever travels beside them") {
  std::vector<std::uint32_t> outcomes;
  std::vector<double> sums;
  {
    Engine engine(world());
    AsyncMax maximum(engine, 3);
    for (std::uint32_t i = 0; i < 20; ++i) {
      maximum.submit(world().rank() == 0 ? i : 0);
      engine.submit([&sums](comm::mpi::Communicator& communicator) {
        std::vector<double> one = {1};
        communicator.sum(std::span<double>(one));
        sums.push_back(one[0]);
      });
      if (maximum.under_way() == 3) outcomes.push_back(maximum.result());
    }
    while (maximum.under_way() > 0) outcomes.push_back(maximum.result());
  }
  std::vector<std::uint32_t> expected(20);
  for (std::uint32_t i = 0; i < 20; ++i) expected[i] = i;
  CHECK_ALL_RANKS(outcomes == expected);
  CHECK_ALL_RANKS(std::ranges::count(sums, world().size()) == 20);
}

TEST_CASE("a maximum that nobody takes is over before its object is gone") {
  std::uint32_t outcome = 0;
  {
    Engine engine(world());
    {
      AsyncMax maximum(engine, 2);
      maximum.submit(1);
      maximum.submit(2);
    }
    AsyncMax maximum(engine, 1);
    maximum.submit(7);
    outcome = maximum.result();
  }
  CHECK_ALL_RANKS(outcome == 7);
}

TEST_CASE("a failed engine fails the maximum") {
  bool has_thrown = false;
  {
    Engine engine(world());
    AsyncMax maximum(engine, 1);
    engine.submit([](comm::mpi::Communicator&) { base::raise<base::DataError>("gone"); });
    maximum.submit(1);
    try {
      maximum.result();
    } catch (const base::DataError&) {
      has_thrown = true;
    }
  }
  CHECK_ALL_RANKS(has_thrown);
}
