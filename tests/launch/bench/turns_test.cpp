#include "launch/bench/turns.hpp"

#include "tests/support/test.hpp"

#include <string>

using namespace eightfold::launch;

TEST_CASE("turns alternate, round by round") {
  std::string order;
  const auto turn = [&](char name) {
    return [&order, name](std::int64_t round) { order += name + std::to_string(round); };
  };
  bench::take_turns({turn('a'), turn('b'), turn('c')}, 0);
  CHECK(order.empty());
  bench::take_turns({turn('a'), turn('b'), turn('c')}, 2);
  CHECK(order == "a0b0c0a1b1c1");
  bench::take_turns({}, 3);
  CHECK(order == "a0b0c0a1b1c1");
}
