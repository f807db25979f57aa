#pragma once

// The health of all ranks through a run: each reads its own GPU, rank 0 gets what all say and names in the
// log who holds the others up. Belongs to the worker's thread.

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

  // This rank's GPU now: best asked while it has work, for its clock and power fall as soon as it has none.
  GpuHealth read_gpu();
  // What all ranks report, on rank 0; empty on the others. Collective.
  std::vector<RankReport> gather(const RankReport& mine);
  // Compares the ranks by their last kPaceSteps steps, of which this one needed so much of its own. Returns
  // at once: the engine does it between two steps' buckets. Collective.
  void compare(double busy_ms, double data_wait_ms);
  // Says what has been counted and not said. Once, after all steps. Collective.
  void finish();

 private:
  comm::engine::Engine& engine_;
  Sensor sensor_;
  GpuHealth gpu_;  // as last read
  Watch watch_;
  std::shared_ptr<Stragglers> stragglers_;  // shared with comparisons under way
};

}  // namespace eightfold::runtime::health
