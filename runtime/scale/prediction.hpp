#pragma once

// Predicts the time of a training step on a cluster that is not available. The backward pass makes buckets
// ready, and the simulator (comm/simulator/simulator.hpp) replays their schedules on the fabric.

#include "comm/simulator/fabric.hpp"
#include "quant8/format.hpp"
#include "runtime/scale/workload.hpp"

#include <cstddef>
#include <string>

namespace eightfold::runtime::scale {

struct Question {
  int nodes = 1;
  int ranks_per_node = 1;
  quant8::Format format = quant8::Format::dynamic_tree8;
  std::string algorithm;                            // empty: the one that is predicted to be the fastest
  std::size_t bucket_bytes = std::size_t{4} << 20;  // fp32
};

// Seconds of the rank that takes longest.
struct Prediction {
  std::string algorithm;
  double step_s = 0;
  double compute_s = 0;        // the step without waiting for the exchange
  double exposed_s = 0;        // waiting for it
  double wire_s = 0;           // what the busiest link carries, over its rate
  double codec_s = 0;          // of one rank's encoding and decoding
  std::size_t wire_bytes = 0;  // that rank 0 sends
  std::size_t flows = 0;       // simulated
  double speedup = 0;          // ranks times the time of one rank alone, over this step's
};

// True if this build has a simulator.
bool can_predict();

// Throws ConfigError for an algorithm that does not exist or does not suit the format, EnvironmentError in a
// build without SimGrid. Once per process at a time: SimGrid's world is the process's. Without an algorithm
// the cheapest to simulate is tried first, and none whose bytes alone take longer than the fastest one's
// step. Logs long work and its progress.
Prediction predict(const Workload& workload, const comm::simulator::Fabric& fabric, const Question& question);

// "all nodes share 2 cores of one machine": what a fabric measured on network namespaces makes of ranks
// without a GPU. Empty where every node has processors of its own.
std::string shared_cores(const Workload& workload, const comm::simulator::Fabric& fabric);
// The same with as many cores for every node alone.
comm::simulator::Fabric with_own_hosts(comm::simulator::Fabric fabric);

}  // namespace eightfold::runtime::scale
