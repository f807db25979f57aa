#pragma once

// Writes the checkpoints of a run, on rank 0, while training continues: the state is copied between two steps
// and written in the background. If a checkpoint cannot be written, the log has the reason and the run goes
// on to the next one. finish() tells how the last attempt ended.

#include "comm/engine/engine.hpp"
#include "kernels/base/flight_record.hpp"
#include "kernels/buffer.hpp"
#include "runtime/checkpoint/store.hpp"
#include "runtime/run/session.hpp"
#include "runtime/telemetry/telemetry.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>

namespace eightfold::runtime::run {

class Saver {
 public:
  // `store` is the directory of checkpoints on rank 0; null on the others, and where none is written. Rank 0
  // allocates host memory for a copy of the state, unless training waits for each checkpoint or writes the
  // last one only. All arguments outlive this.
  Saver(Session& session, comm::engine::Engine& engine, telemetry::Telemetry& telemetry,
        base::FlightRecorder& recorder, checkpoint::Store* store);
  ~Saver();                      // waits for what is being written
  Saver(const Saver&) = delete;  // its thread refers to it
  Saver& operator=(const Saver&) = delete;

  // Saves the state after `step` steps, whose weights have this hash on every rank. Waits until the previous
  // checkpoint is written and the residuals are on the disk of rank 0; the rest is written in the background.
  // Collective.
  void save(std::int64_t step, const std::string& weight_hash);
  // Waits for the checkpoint under way. If the last one could not be written, returns the reason and the
  // newest complete checkpoint, as the same text on every rank. Collective.
  std::optional<std::string> finish();
  // The longest time that writing a checkpoint has taken so far, on rank 0.
  std::chrono::duration<double> longest() const { return std::chrono::duration<double>(longest_s_.load()); }

 private:
  struct Outcome {
    std::int64_t step = 0;
    std::filesystem::path directory;  // empty: not written
    std::string reason;               // why not
    double seconds = 0;               // of writing
  };

  bool writes() const { return session_.place().rank == 0; }
  void attempt(comm::mpi::Communicator& communicator, std::int64_t step, const std::string& weight_hash);
  std::unique_ptr<checkpoint::Draft> begin_draft(std::int64_t step, const std::string& weight_hash);
  Outcome write(std::int64_t step, std::unique_ptr<checkpoint::Draft> draft);
  bool is_writing() const;
  void collect();
  void conclude(Outcome outcome);

  Session& session_;
  comm::engine::Engine& engine_;
  telemetry::Telemetry& telemetry_;
  base::FlightRecorder& recorder_;
  checkpoint::Store* store_;
  std::optional<Snapshot> copy_;
  kernels::PinnedBuffer<float> passing_;  // for one residual, on every rank that has one
  double stall_s_ = 0;                    // of the attempt under way
  std::atomic<double> longest_s_ = 0;     // the writing thread's to say
  Outcome last_;
  std::future<Outcome> under_way_;  // last: it reads the others
};

}  // namespace eightfold::runtime::run
