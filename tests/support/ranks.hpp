#pragma once

// For tests that run on several ranks. Between collectives no rank may leave a test case alone: the others
// would wait for it for ever. CHECK_ALL_RANKS and REQUIRE_ALL_RANKS therefore check values that differ by
// rank. They agree first and then pass or fail on every rank alike. Plain checks are for values that are the
// same everywhere, and for code after the last collective.

#include "comm/mpi/communicator.hpp"

#include <vector>

namespace eightfold::test {

// All ranks of this test program.
comm::mpi::Communicator& world();

// The ranks on which the condition does not hold, the same answer everywhere. Collective.
std::vector<int> ranks_without(bool condition);

}  // namespace eightfold::test

// A failure prints the condition and the ranks that broke it, as { 1, 2 } == {  }. Collective.
#define CHECK_ALL_RANKS(...) CHECK(::eightfold::test::ranks_without(__VA_ARGS__) == std::vector<int>{})
#define REQUIRE_ALL_RANKS(...) REQUIRE(::eightfold::test::ranks_without(__VA_ARGS__) == std::vector<int>{})
