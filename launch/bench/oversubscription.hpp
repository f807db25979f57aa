#pragma once

// What it costs that ranks have fewer cores than threads (`bench step --profile`, where the nodes of a run
// are one machine). Threads that compute all the time share cores evenly; those that wake up after an
// exchange are for a while where others run, too.

#include "comm/engine/engine.hpp"
#include "comm/simulator/fabric.hpp"
#include "launch/command/job.hpp"
#include "runtime/run/session.hpp"

#include <memory>
#include <vector>

namespace eightfold::launch::bench {

// How many workers each rank has to have for all ranks together to have twice as many threads as there are
// cores, or more.
int crowd_size(const comm::simulator::Fabric& fabric, const command::Placement& placement);

// Measures fabric.crowding with such a crowd of this rank, each member a job of its own. `alone_s`: a step
// with one worker a rank. Collective.
void add_crowding(comm::simulator::Fabric& fabric, std::vector<std::unique_ptr<runtime::run::Session>> crowd,
                  comm::engine::Engine& engine, const command::Placement& placement, double alone_s);

}  // namespace eightfold::launch::bench
