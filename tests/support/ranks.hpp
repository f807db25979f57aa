#pragma once

// For tests that run on several ranks. Between collectives no rank may leave a test case alone: the others
// would wait for it for ever. What differs by rank is therefore checked by CHECK_ALL_RANKS and
// REQUIRE_ALL_RANKS, which agree first and then pass or fail on every rank alike; plain checks are for what
// follows the last collective, or is the same everywhere.

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
