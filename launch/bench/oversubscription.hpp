#pragma once

// Measures the cost of oversubscription, more threads than cores (`bench step --profile`, where the nodes of
// a run are one machine). Threads that compute all the time share cores evenly. Threads that wake up after an
// exchange run for a while on cores where others run, too.

#include "comm/engine/engine.hpp"
#include "comm/simulator/fabric.hpp"
#include "launch/command/job.hpp"
#include "runtime/run/session.hpp"

#include <memory>
#include <vector>

namespace eightfold::launch::bench {

// Workers that each rank needs so that all ranks together have at least twice as many threads as cores.
int oversubscribing_workers(const comm::simulator::Fabric& fabric, const command::Placement& placement);

// Sets fabric.oversubscription_slowdown: how much longer a step takes with this rank's `workers`, one session
// each, than with the cores divided evenly. `alone_s`: a step with one worker a rank, in seconds. Collective.
void measure_oversubscription(comm::simulator::Fabric& fabric,
                              std::vector<std::unique_ptr<runtime::run::Session>> workers,
                              comm::engine::Engine& engine, const command::Placement& placement,
                              double alone_s);

}  // namespace eightfold::launch::bench
