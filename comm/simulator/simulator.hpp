#pragma once

// Replays the schedules of all ranks on a modelled cluster and predicts the time of a training step. Every
// rank computes; its engine encodes, sends, receives and decodes by the rules of comm/schedules/schedule.hpp,
// as the executor does. SimGrid divides links, devices and cores among those who use them at the same time.
// A build without SimGrid throws EnvironmentError.

#include "comm/schedules/topology.hpp"
#include "comm/simulator/fabric.hpp"
#include "quant8/format.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace eightfold::comm::simulator {

// The work of every rank in a step. Times are those of a device, or core, that nobody shares.
struct SimulatedStep {
  struct Work {
    double time_s;
    std::int64_t complete;  // elements of the gradients that are complete afterwards, from the first one on
  };
  std::vector<Work> work;
  std::vector<std::int64_t> buckets;  // elements of each, in the order in which they complete
  double update_s_per_element = 0;    // of the weights, once a bucket is summed

  quant8::Format format = quant8::Format::fp32;
  double encode_s_per_element = 0;
  double decode_s_per_element = 0;  // or to add what is decoded
  // True: codecs run on the device that computes, which pauses computing meanwhile. False: they run on the
  // engine's thread.
  bool has_device = true;

  std::string algorithm;  // an allreduce of comm/schedules/generators.hpp
};

struct SimulatedTimes {
  double step_s = 0;  // of the slowest rank, and so are the next two
  double exposed_s = 0;
  double codec_s = 0;
  double wire_s = 0;                    // what the busiest link carries, over its rate
  std::vector<std::size_t> bytes_sent;  // by rank
  std::size_t flows = 0;                // between ranks
};

// Known before a simulation starts: how much work it will be, and a lower bound of the time it will predict.
struct StepOutline {
  // Unsegmented messages between ranks. An estimate: every rank counts as many as the first.
  std::size_t messages = 0;
  // The most messages that a rank sends in one round. Each costs more simulation time the more are under way.
  std::size_t at_once = 0;
  // Lower bound of the step: computing up to the first bucket, then the bytes that leave the first node at
  // the rate of its cards. A shaped link's burst (Fabric::burst_bytes) is subtracted.
  double least_s = 0;

  // Relative cost of simulating.
  std::size_t work() const { return messages * at_once; }
};

// From the schedules of the first node's ranks. Throws ConfigError for an algorithm that does not exist or
// does not suit the format.
StepOutline outline(const Fabric& fabric, int nodes, int ranks_per_node, const SimulatedStep& step);

bool has_simulator();

// Beyond this many messages, all segments of a shard travel as one.
inline constexpr std::size_t kManyFlows = 400'000;

// The number of peers that a rank sends to at once. Up to kRanksInFull ranks: all of them. Up to
// kRanksInPart: two on its node and two on other nodes. Beyond: one and one.
inline constexpr int kRanksInFull = 16;
inline constexpr int kRanksInPart = 256;

// Steps of all ranks' schedules for the largest bucket. Beyond kMostScheduleSteps the schedules alone need
// gigabytes. two_shot gets there at 3,500 ranks, hierarchical at 10,000 or more.
std::size_t schedule_steps(int nodes, int ranks_per_node, const SimulatedStep& step);
inline constexpr std::size_t kMostScheduleSteps = 50'000'000;

// Ranks 0 .. ranks_per_node - 1 are on node 0, and so on. Throws ConfigError where the algorithm does not
// exist, does not suit the format, or makes more than kMostScheduleSteps; EnvironmentError without SimGrid.
// One at a time in a process. Long simulations report their progress.
SimulatedTimes simulate(const Fabric& fabric, int nodes, int ranks_per_node, const SimulatedStep& step);

}  // namespace eightfold::comm::simulator
