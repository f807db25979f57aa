#include "comm/simulator/simulator.hpp"

#include "comm/exchange.hpp"
#include "comm/executor/executor.hpp"
#include "comm/selection.hpp"
#include "comm/simulator/child_world.hpp"
#include "comm/simulator/progress.hpp"
#include "comm/simulator/simulated_rank.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/log.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace eightfold::comm::simulator {
namespace {

kernels::Device device_of(const SimulatedStep& step) {
  return {step.has_device ? kernels::DeviceKind::cuda : kernels::DeviceKind::host, 0};
}

// The plans of all buckets; those of as many elements are the same.
class Plans {
 public:
  Plans(const schedules::Topology& topology, const SimulatedStep& step)
      : topology_(topology),
        generator_(allreduce_generator(step.algorithm, step.format)),
        // For its sizes on the wire, which are the same on every device.
        codec_(quant8::make_codec({}, {step.format})),
        segment_(executor::segment_elements(*codec_, default_segment_bytes(device_of(step)))) {
    for (const std::int64_t elements : step.buckets) {
      const auto [plans, is_new] = by_size_.try_emplace(elements);
      if (is_new) plans->second = plan(elements);
      by_bucket_.push_back(&plans->second);
    }
  }

  std::span<const BucketPlan* const> by_bucket() const { return by_bucket_; }
  std::size_t messages() const {
    return total([](const BucketPlan& bucket) { return bucket.pieces; });
  }

  // Cuts every message into its segments, unless they are too many.
  void cut() {
    const std::size_t flows = total([](const BucketPlan& bucket) { return bucket.segments; });
    if (flows > kManyFlows) {
      base::log_info(
          "simulation: with every segment apart there would be {} messages; a message is whole, which "
          "makes {}",
          flows, messages());
      return;
    }
    for (auto& [elements, bucket] : by_size_) bucket.pieces = static_cast<int>(bucket.segments);
  }

 private:
  template <class Count>
  std::size_t total(const Count& of_each) const {
    std::size_t messages = 0;
    for (const BucketPlan* bucket : by_bucket_)
      for (const ReplayPlan& tasks : bucket->ranks)
        messages +=
            static_cast<std::size_t>(std::ranges::count_if(tasks, &ReplayTask::is_send) * of_each(*bucket));
    return messages;
  }

  BucketPlan plan(std::int64_t elements) {
    BucketPlan bucket;
    std::vector<schedules::Schedule> schedules;
    for (int rank = 0; rank < topology_.ranks(); ++rank)
      schedules.push_back(generator_.schedule({topology_, rank, elements}));
    for (const schedules::Shard& shard : schedules.front().shards)
      bucket.segments = std::max(bucket.segments, (shard.count + segment_ - 1) / segment_);
    bucket.ranks = plan_replay(schedules, [this](std::int64_t count) {
      return executor::segmented_bytes(*codec_, segment_, count);
    });
    return bucket;
  }

  const schedules::Topology& topology_;
  const schedules::Generator& generator_;
  std::unique_ptr<quant8::Codec> codec_;
  std::int64_t segment_;
  std::map<std::int64_t, BucketPlan> by_size_;
  std::vector<const BucketPlan*> by_bucket_;
};

// A rank's messages to different peers are under way at the same time. Simulating all messages at once takes
// too long for many ranks. 96 ranks, hierarchical, take 8 s with two and more than 150 s with all. 1024 ranks
// take 26 s with one and more than 100 s with two. Fewer is pessimistic where a step waits for the network:
// 24 ranks in fp32 by 11 % with two, by 27 % with one. If the exchange is mostly hidden (24 and 48 ranks in 8
// bits), by at most 0.4 %.
std::size_t peers_at_once(const schedules::Topology& topology) {
  if (topology.ranks() <= kRanksInFull) return static_cast<std::size_t>(topology.ranks());
  return topology.ranks() <= kRanksInPart ? 2 : 1;
}

SimulatedTimes play(const Fabric& fabric, const schedules::Topology& topology, const SimulatedStep& step,
                    const Plans& plans) {
  Cluster cluster(fabric, topology, step.has_device);
  SimulationProgress progress(plans.messages());
  const SimulatedWorld world{cluster,           fabric,  topology, step, peers_at_once(topology),
                             plans.by_bucket(), progress};
  std::vector<SimulatedRank> ranks;
  ranks.reserve(static_cast<std::size_t>(topology.ranks()));  // they refer to each other
  for (int rank = 0; rank < topology.ranks(); ++rank) ranks.emplace_back(world, rank, ranks);
  for (SimulatedRank& rank : ranks) rank.start();
  cluster.run();
  SimulatedTimes times;
  for (const SimulatedRank& rank : ranks) {
    if (rank.ended_s() >= times.step_s) {
      times.step_s = rank.ended_s();
      times.exposed_s = rank.exposed_s();
      times.codec_s = rank.codec_s();
    }
    times.bytes_sent.push_back(rank.bytes_sent());
    times.flows += rank.flows();
  }
  times.wire_s = cluster.busiest_link_s();
  return times;
}

bool is_send(const schedules::Step& step) {
  return step.action == schedules::Action::send_fresh || step.action == schedules::Action::send_sealed;
}

// Shards for the same peer travel together.
void count_messages(const schedules::Schedule& schedule, std::size_t buckets, StepOutline& outline) {
  for (const schedules::Round& round : schedule.rounds) {
    std::set<std::pair<int, schedules::Action>> sent;
    for (const schedules::Step& step : round)
      if (is_send(step)) sent.emplace(step.peer, step.action);
    outline.messages += buckets * sent.size();
    outline.at_once = std::max(outline.at_once, sent.size());
  }
}

double bytes_to_other_nodes(const schedules::Schedule& schedule, const schedules::Topology& topology,
                            int rank, quant8::Format format) {
  double bytes = 0;
  for (const schedules::Round& round : schedule.rounds)
    for (const schedules::Step& step : round)
      if (is_send(step) && topology.node_of(step.peer) != topology.node_of(rank))
        bytes += static_cast<double>(
            // Segments would add headers; a lower bound goes without.
            quant8::wire_bytes({format}, schedule.shards[static_cast<std::size_t>(step.shard)].count));
  return bytes;
}

// Of the computing, what goes before the first bucket is complete.
double first_complete_s(const SimulatedStep& step) {
  double time_s = 0;
  for (const SimulatedStep::Work& work : step.work) {
    time_s += work.time_s;
    if (work.complete >= step.buckets.front()) break;
  }
  return time_s;
}

}  // namespace

std::size_t schedule_steps(int nodes, int ranks_per_node, const SimulatedStep& step) {
  if (step.buckets.empty()) return 0;
  const schedules::Topology topology = schedules::Topology::uniform(nodes, ranks_per_node);
  const schedules::Schedule schedule = allreduce_generator(step.algorithm, step.format)
                                           .schedule({topology, 0, std::ranges::max(step.buckets)});
  std::size_t steps = 0;
  for (const schedules::Round& round : schedule.rounds) steps += round.size();
  return steps * static_cast<std::size_t>(topology.ranks());  // all ranks have about as many
}

StepOutline outline(const Fabric& fabric, int nodes, int ranks_per_node, const SimulatedStep& step) {
  StepOutline outline;
  if (step.buckets.empty()) return outline;
  const schedules::Generator& generator = allreduce_generator(step.algorithm, step.format);
  const schedules::Topology topology = schedules::Topology::uniform(nodes, ranks_per_node);
  std::map<std::int64_t, std::size_t> buckets;  // how many there are of each size
  for (const std::int64_t elements : step.buckets) ++buckets[elements];
  std::vector<double> card_bytes(static_cast<std::size_t>(fabric.cards), 0.0);
  for (const auto& [elements, count] : buckets)
    for (int rank = 0; rank < ranks_per_node; ++rank) {
      const schedules::Schedule schedule = generator.schedule({topology, rank, elements});
      if (rank == 0) count_messages(schedule, count, outline);
      card_bytes[static_cast<std::size_t>(rank % fabric.cards)] +=
          static_cast<double>(count) * bytes_to_other_nodes(schedule, topology, rank, step.format);
    }
  outline.messages *= static_cast<std::size_t>(topology.ranks());
  const double bytes = std::max(0.0, std::ranges::max(card_bytes) - fabric.burst_bytes);
  outline.least_s = first_complete_s(step) + bytes / fabric.card_bytes_per_s;
  return outline;
}

SimulatedTimes simulate(const Fabric& fabric, int nodes, int ranks_per_node, const SimulatedStep& step) {
  if (const std::size_t steps = schedule_steps(nodes, ranks_per_node, step); steps > kMostScheduleSteps)
    base::raise<base::ConfigError>(
        "{} between {} ranks takes {} steps of schedules, more than the {} that are simulated; "
        "use fewer ranks, or hierarchical",
        step.algorithm, nodes * ranks_per_node, steps, kMostScheduleSteps);
  const schedules::Topology topology = schedules::Topology::uniform(nodes, ranks_per_node);
  // Planned before the fork. A ConfigError keeps its type here, and the child shares the memory of the plans.
  Plans plans(topology, step);
  plans.cut();
  return in_child_world([&] { return play(fabric, topology, step, plans); });
}

}  // namespace eightfold::comm::simulator
