#pragma once

// A training run from its first step to its verdict, as `eightfold train` does on every rank.

#include "comm/mpi/communicator.hpp"
#include "runtime/checkpoint/store.hpp"
#include "runtime/config/job.hpp"
#include "runtime/run/session.hpp"
#include "runtime/run/stop.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace eightfold::runtime::run {

struct TrainResult {
  double test_accuracy = 0;
  double test_loss = 0;
  std::int64_t steps = 0;
  double seconds = 0;       // from the first step of this process to the end
  std::string weight_hash;  // the same on every rank
  // Why the last checkpoint could not be written, and which is the newest; the same on every rank.
  std::optional<std::string> unsaved;
  // Why the run ended before its last step, with a checkpoint; the same on every rank.
  StopReason stopped = StopReason::none;
};

struct RunPlan {
  std::filesystem::path run_directory;  // exists, on rank 0
  std::int64_t first_step = 0;
  StopRequest* stop = nullptr;                                         // outlives the run; null: nobody asks
  std::optional<std::chrono::system_clock::time_point> end_time = {};  // when the job will be ended
  checkpoint::Store* store = nullptr;  // for checkpoints, on rank 0; outlives the run; null: none is written
};

// Trains `session` from run.first_step to the end of the job, its target accuracy, an error, or an agreed
// stop. All ranks stop after the same step if one was asked to. Evaluates and writes checkpoints as the job
// says, and at the end; one that cannot be written does not end the run. Starts and stops the engine on
// `communicator`. Collective. Throws DivergenceError's code, agreed, when the loss is no longer a number or
// replicas differ.
TrainResult train(Session& session, comm::mpi::Communicator& communicator, const RunPlan& run);

}  // namespace eightfold::runtime::run
