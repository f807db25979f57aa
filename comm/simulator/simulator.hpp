#pragma once

// Replays the schedules of all ranks on a modelled cluster: the interpreter that tells time. A step of
// training is played once: every rank computes, its engine encodes, sends, receives and decodes what the
// schedules say, as the executor does (rules of comm/schedules/schedule.hpp), and who shares a link, a device
// or a core with others gets its part of it. SimGrid shares them out; a build without it can only say so.

#include "comm/schedules/topology.hpp"
#include "comm/simulator/fabric.hpp"
#include "quant8/format.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace eightfold::comm::simulator {

// What every rank does in a step. Seconds of a device, or core, that it has for itself.
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
  // Codecs run on the device that computes and go before: it computes nothing meanwhile. Else on the engine's
  // thread.
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

// What is known of a simulation before it is played: how much work it is, and a bound of what it will find.
struct StepOutline {
  // Between ranks, whole ones: about, as if all ranks sent as many as the first.
  std::size_t messages = 0;
  // Of those that a rank sends in a round, the most: the more are under way, the longer each takes to play.
  std::size_t at_once = 0;
  // No step is shorter: the computing before the first bucket, then what leaves the first node at the rate of
  // its cards. Their credit, which a shaped link gives once in advance, is taken off.
  double least_s = 0;

  // To compare how long playing takes.
  std::size_t work() const { return messages * at_once; }
};

// From the schedules of the first node's ranks. Throws ConfigError for an algorithm that does not exist or
// does not suit the format.
StepOutline outline(const Fabric& fabric, int nodes, int ranks_per_node, const SimulatedStep& step);

bool has_simulator();

// More flows than this are made fewer: all segments of a shard become one.
inline constexpr std::size_t kManyFlows = 400'000;

// Of up to so many ranks each sends to all its peers at once; of up to so many to two neighbours and to two
// ranks of other nodes; of more to one and one.
inline constexpr int kRanksInFull = 16;
inline constexpr int kRanksInPart = 256;

// Steps of the schedules of all ranks for the largest bucket. Beyond so many the schedules alone need
// gigabytes: 3,500 ranks by two_shot, 10,000 and more by hierarchical.
std::size_t schedule_steps(int nodes, int ranks_per_node, const SimulatedStep& step);
inline constexpr std::size_t kMostScheduleSteps = 50'000'000;

// Ranks 0 .. ranks_per_node - 1 are on node 0, and so on. Throws ConfigError where the algorithm does not
// exist, does not suit the format, or makes more than kMostScheduleSteps; EnvironmentError without SimGrid.
// One at a time in a process. What takes long says how far it is.
SimulatedTimes simulate(const Fabric& fabric, int nodes, int ranks_per_node, const SimulatedStep& step);

}  // namespace eightfold::comm::simulator
