#pragma once

// The health of all ranks through a run: each reads its own GPU, rank 0 gets what all say and names in the
// log who holds the others up.

#include "comm/engine.hpp"
#include "runtime/health/sensor.hpp"
#include "runtime/health/watch.hpp"

namespace eightfold::runtime::health {

class Monitor {
 public:
  // Collective.
  Monitor(comm::Engine& engine, kernels::Device device);

  // This rank's GPU now: best asked while it has work, for its clock and power fall as soon as it has none.
  GpuHealth read_gpu() { return sensor_.read(); }
  // What all ranks report, on rank 0; empty on the others. Collective.
  std::vector<RankReport> gather(const RankReport& mine);

 private:
  comm::Engine& engine_;
  Sensor sensor_;
  Watch watch_;
};

}  // namespace eightfold::runtime::health
