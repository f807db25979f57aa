#pragma once

// SimGrid has one world in the life of a process, and leaves it in a state that no second one survives. So
// every simulation has a process of its own, which goes with all it has built.

#include "comm/simulator/simulator.hpp"

#include <functional>

namespace eightfold::comm::simulator {

// The result of `play` in a child of this process. Throws EnvironmentError where it has, or has no memory, or
// is ended by a signal; InternalError with whatever else it has thrown. The caller has no other threads.
SimulatedTimes in_child_world(const std::function<SimulatedTimes()>& play);

}  // namespace eightfold::comm::simulator
