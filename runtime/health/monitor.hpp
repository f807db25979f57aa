#pragma once

// The health of all ranks through a run: each reads its own GPU, rank 0 gets what all say and names in the
// log who holds the others up. The members are collective.

#include "comm/engine.hpp"
#include "runtime/health/sensor.hpp"
#include "runtime/health/watch.hpp"

namespace eightfold::runtime::health {

class Monitor {
 public:
  Monitor(comm::Engine& engine, kernels::Device device);

  // Of all ranks, on rank 0; empty on the others. `busy_ms` and `data_wait_ms` as in RankReport.
  std::vector<RankReport> report(double busy_ms, double data_wait_ms);

 private:
  comm::Engine& engine_;
  Sensor sensor_;
  Watch watch_;
};

}  // namespace eightfold::runtime::health
