#include "launch/bench/turns.hpp"

namespace eightfold::launch::bench {

void take_turns(const std::vector<Turn>& turns, std::int64_t rounds) {
  for (std::int64_t round = 0; round < rounds; ++round)
    for (const Turn& turn : turns) turn(round);
}

}  // namespace eightfold::launch::bench
