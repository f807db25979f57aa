#pragma once

// Measures candidates beside each other: all take turns, round by round, so that what disturbs the machine
// for a while disturbs all of them.

#include <cstdint>
#include <functional>
#include <vector>

namespace eightfold::launch::bench {

using Turn = std::function<void(std::int64_t round)>;  // rounds count from 0

// In every round each turn is called once, in their order. Under MPI every rank has the same turns.
void take_turns(const std::vector<Turn>& turns, std::int64_t rounds);

}  // namespace eightfold::launch::bench
