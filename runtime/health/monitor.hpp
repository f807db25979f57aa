#pragma once

// Watches the health of all ranks during a run. Each rank reads its own GPU; rank 0 gathers the reports and
// logs the ranks that delay the others. Belongs to the worker's thread.

#include "comm/engine/engine.hpp"
#include "runtime/health/sensor.hpp"
#include "runtime/health/stragglers.hpp"
#include "runtime/health/watch.hpp"

#include <memory>

namespace eightfold::runtime::health {

class Monitor {
 public:
  // `engine` outlives this. Collective.
  Monitor(comm::engine::Engine& engine, kernels::Device device);

  // The state of this rank's GPU now. Call it while the GPU has work: without work clock and power fall at
  // once.
  GpuHealth read_gpu();
  // The reports of all ranks, on rank 0; empty on the others. Collective.
  std::vector<RankReport> gather(const RankReport& mine);
  // Compares the ranks by the mean times of their last kPaceSteps steps; the arguments are this rank's.
  // Returns at once: the engine does it between two steps' buckets. Collective.
  void compare(double busy_ms, double data_wait_ms);
  // Logs the counts that are left. Once, after all steps. Collective.
  void finish();

 private:
  comm::engine::Engine& engine_;
  Sensor sensor_;
  GpuHealth gpu_;  // as last read
  Watch watch_;
  std::shared_ptr<Stragglers> stragglers_;  // shared with comparisons under way
};

}  // namespace eightfold::runtime::health
