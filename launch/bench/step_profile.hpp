#pragma once

// The profile of a job on these ranks (`bench step --profile`): times of the layers and of the codecs. With
// more than one node also the links between them, and the engine's time for messages.

#include "comm/engine/engine.hpp"
#include "comm/simulator/fabric.hpp"
#include "launch/bench/step_trial.hpp"
#include "launch/command/job.hpp"
#include "runtime/scale/workload.hpp"

#include <optional>
#include <string>

namespace eightfold::launch::bench {

// Measures the links between the ranks; nothing if all ranks share a node. Before there is an engine.
// Collective.
std::optional<comm::simulator::Fabric> measure_fabric(comm::mpi::Communicator& world, int repeats);

// The workload of a trial that exchanges nothing and times its layers, from the medians of its steps.
// Collective.
runtime::scale::Workload workload_of(StepTrial& trial, const StepTimer::Medians& medians,
                                     comm::engine::Engine& engine, const command::Placement& placement);

// Measures the engine's processor time per byte sent or received, without the codecs, in rounds of an
// exchange while nothing is computed. Polling between messages counts. Collective.
void add_engine_costs(comm::simulator::Fabric& fabric, StepTrial& exchanging, comm::engine::Engine& engine,
                      std::int64_t rounds);

// The text of a profile file: the workload, then the fabric if there is one.
std::string profile_text(const runtime::scale::Workload& workload,
                         const std::optional<comm::simulator::Fabric>& fabric);

}  // namespace eightfold::launch::bench
