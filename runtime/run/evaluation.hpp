#pragma once

// Loss and accuracy over the test data, divided over the ranks.

#include "comm/engine/engine.hpp"
#include "kernels/base/flight_record.hpp"
#include "runtime/run/session.hpp"
#include "runtime/telemetry/telemetry.hpp"

namespace eightfold::runtime::run {

// The session's current weights, after `done` steps, on its test data; every rank gets the same numbers. Each
// pass has a deadline of the watchdog's for itself. Collective.
telemetry::Score evaluate(Session& session, comm::engine::Engine& engine, base::FlightRecorder& recorder,
                          std::int64_t done);

// Sums of this rank's totals over all ranks, for `samples` samples of all. Collective.
telemetry::Score sum_over_ranks(comm::engine::Engine& engine, double loss_sum, double correct,
                                std::int64_t samples);

}  // namespace eightfold::runtime::run
