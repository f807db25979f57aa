#pragma once

// The profile of a job on these ranks (`bench step --profile`): what a rank computes in a step, what codecs
// cost and, with more than one rank, the links between them and what they cost the engine.

#include "comm/engine/engine.hpp"
#include "comm/simulator/fabric.hpp"
#include "launch/bench/step_trial.hpp"
#include "launch/command/job.hpp"
#include "runtime/scale/workload.hpp"

#include <optional>
#include <string>

namespace eightfold::launch::bench {

// The links between the ranks, while nothing else uses them; nothing where all ranks share a node. Before
// there is an engine. Collective.
std::optional<comm::simulator::Fabric> measure_fabric(comm::mpi::Communicator& world, int repeats);

// What the steps of a trial came to that exchanges nothing and times its layers. Collective.
runtime::scale::Workload workload_of(StepTrial& trial, const StepTimer::Medians& medians,
                                     comm::engine::Engine& engine, const command::Placement& placement);

// What the engine does beside the codecs, for every byte that it sends or receives, in rounds of an exchange
// while nothing is computed. What it polls between messages is part of it. Collective.
void add_engine_costs(comm::simulator::Fabric& fabric, StepTrial& exchanging, comm::engine::Engine& engine,
                      std::int64_t rounds);

// A file of both. `fabric` is of a cluster, or nothing.
std::string profile_text(const runtime::scale::Workload& workload,
                         const std::optional<comm::simulator::Fabric>& fabric);

}  // namespace eightfold::launch::bench
