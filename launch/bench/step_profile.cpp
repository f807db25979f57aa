#include "launch/bench/step_profile.hpp"

#include "comm/measure/link.hpp"
#include "kernels/base/clock.hpp"
#include "kernels/base/core_set.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"
#include "kernels/base/process_id.hpp"
#include "launch/bench/codec_speed.hpp"
#include "launch/bench/goodput.hpp"
#include "launch/bench/over_ranks.hpp"
#include "launch/bench/processor.hpp"
#include "runtime/config/names.hpp"
#include "runtime/scale/fabric_file.hpp"
#include "runtime/scale/workload_file.hpp"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace eightfold::launch::bench {
namespace {

using runtime::scale::Workload;

constexpr std::size_t kSmall = 8;

constexpr std::uint64_t kUnknownMachine = 0;

// The same on all ranks of a machine, in whatever containers and namespaces they run.
std::uint64_t machine_id() {
  const std::string text = base::this_process().kernel;
  return text.empty() ? kUnknownMachine : std::hash<std::string>()(text);
}

double engine_thread_s(comm::engine::Engine& engine) {
  timespec time{};
  engine.run([&](comm::mpi::Communicator&) { ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time); });
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Takes the fabric's figures of one pair: within a node, or between two nodes.
void add_pair(comm::simulator::Fabric& fabric, comm::measure::LinkMeter& meter,
              const comm::measure::RankPair& pair, bool shares_node) {
  const double latency_s = meter.one_way_s(pair, kSmall);
  const double bytes_per_s = kGoodputBytes / meter.both_ways_s(pair, kGoodputBytes);
  if (shares_node) {
    fabric.node_latency_s = latency_s;
    fabric.neighbour_bytes_per_s = bytes_per_s;
  } else {
    fabric.network_latency_s = latency_s;
    fabric.card_bytes_per_s = bytes_per_s;
  }
}

}  // namespace

std::optional<comm::simulator::Fabric> measure_fabric(comm::mpi::Communicator& world, int repeats) {
  const comm::schedules::Topology topology = comm::schedules::discover_topology(world);
  if (topology.nodes() == 1) {
    base::log_info("profile: there is one node: no network was measured, and no fabric is written");
    return std::nullopt;
  }
  comm::simulator::Fabric fabric;
  fabric.name = "measured";
  comm::measure::LinkMeter meter(world, {.repeats = repeats});
  bool has_pair[2] = {false, false};
  for (const comm::measure::RankPair& pair : rank_pairs(topology, comm::measure::PairChoice::nodes)) {
    const bool shares_node = topology.node_of(pair.first) == topology.node_of(pair.second);
    if (!std::exchange(has_pair[shares_node ? 1 : 0], true)) add_pair(fabric, meter, pair, shares_node);
  }
  if (topology.rails() == 1) {  // a ring of ranks loads the cards of all nodes at once
    fabric.card_bytes_per_s = kGoodputBytes / meter.ring_s(kGoodputBytes);
    fabric.burst_bytes = meter.burst_bytes(fabric.card_bytes_per_s);
  }
  const std::vector<std::uint64_t> machines = world.all_gather(machine_id());
  if (machines.front() != kUnknownMachine &&
      std::ranges::all_of(machines, [&](auto id) { return id == machines.front(); })) {
    comm::mpi::run_agreed(world, [&] { fabric.cores = base::allowed_cores().count(); });
    base::log_info(
        "profile: all nodes are one machine, and share its {} cores in what is predicted from it; scale "
        "simulate --own-hosts gives each node as many",
        fabric.cores);
  }
  return fabric;
}

Workload workload_of(StepTrial& trial, const StepTimer::Medians& medians, comm::engine::Engine& engine,
                     const command::Placement& placement) {
  runtime::run::Session& session = trial.session();
  Workload workload;
  workload.name = session.config().job.name;
  workload.machine = fmt::format("{}; {}", processor_model(), placement.facts.device);
  workload.date = base::utc_stamp();
  workload.device = placement.place.device.kind == kernels::DeviceKind::host
                        ? runtime::scale::WorkloadDevice::host
                        : runtime::scale::WorkloadDevice::cuda;
  const std::int64_t ranks = placement.place.ranks;
  workload.batch = (session.plan().batch(0).samples + ranks - 1) / ranks;  // of the rank that has most
  double layers_s = 0;
  for (const auto& [layer, forward_s] : medians.forward_s) {
    const auto found = medians.backward_s.find(layer);
    runtime::scale::LayerTimes times{
        .name = fmt::format("layer{}.{}", layer,
                            session.config().model.layers[static_cast<std::size_t>(layer)].kind),
        .forward_s = mean_of_ranks(engine, forward_s),
        .backward_s = mean_of_ranks(engine, found == medians.backward_s.end() ? 0 : found->second)};
    for (const runtime::model::Parameter& parameter : session.model().parameters())
      if (parameter.name.starts_with(fmt::format("layer{}.", layer)))
        times.parameters += parameter.span.end - parameter.span.begin;
    layers_s += times.forward_s + times.backward_s;
    workload.layers.push_back(std::move(times));
  }
  const double update_s = mean_of_ranks(engine, medians.update_s);
  workload.other_s = std::max(0.0, mean_of_ranks(engine, medians.compute_s()) - layers_s - update_s);
  workload.update_s_per_parameter = update_s / static_cast<double>(workload.parameters());
  engine.run([](comm::mpi::Communicator& world) { world.barrier(); });
  for (const comm::measure::CodecSpeed& speed : codec_speeds(session.stream(), 10))
    workload.codecs.push_back({speed.format, mean_of_ranks(engine, sizeof(float) / speed.encode_bytes_per_s),
                               mean_of_ranks(engine, sizeof(float) / speed.decode_bytes_per_s)});
  return workload;
}

void add_engine_costs(comm::simulator::Fabric& fabric, StepTrial& exchanging, comm::engine::Engine& engine,
                      std::int64_t rounds) {
  exchanging.exchange_alone(1);
  exchanging.take_medians();
  const double before_s = engine_thread_s(engine);
  exchanging.exchange_alone(rounds);
  const double engine_s = (engine_thread_s(engine) - before_s) / static_cast<double>(rounds);
  const double codec_s = exchanging.codec_s() / static_cast<double>(rounds);
  const double moved =
      2 * static_cast<double>(exchanging.wire_bytes());  // as many bytes are received as sent
  const double s_per_byte = mean_of_ranks(engine, std::max(0.0, engine_s - codec_s) / moved);
  base::log_info("profile: the engine worked {:.3f} ms a round, {:.3f} ms of it with the codec",
                 1e3 * engine_s, 1e3 * codec_s);
  fabric.send_s_per_byte = fabric.receive_s_per_byte = s_per_byte;
}

std::string profile_text(const Workload& workload, const std::optional<comm::simulator::Fabric>& fabric) {
  std::string text = workload_text(workload);
  if (fabric) text += "\n" + runtime::scale::fabric_text(*fabric);
  return text;
}

}  // namespace eightfold::launch::bench
