#include "runtime/scale/prediction.hpp"

#include "comm/schedules/generators.hpp"
#include "comm/selection.hpp"
#include "comm/simulator/simulator.hpp"
#include "kernels/base/clock.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/log.hpp"
#include "runtime/model/arena.hpp"

#include <algorithm>
#include <ranges>
#include <vector>

namespace eightfold::runtime::scale {
namespace {

comm::simulator::SimulatedStep step_of(const Workload& workload, const Question& question) {
  comm::simulator::SimulatedStep step;
  double before_s = workload.other_s;
  for (const LayerTimes& layer : workload.layers) before_s += layer.forward_s;
  step.work.push_back({before_s, 0});
  std::int64_t complete = 0;
  for (const LayerTimes& layer : workload.layers | std::views::reverse) {
    complete += quant8::whole_blocks(layer.parameters);
    step.work.push_back({layer.backward_s, complete});
  }
  for (const model::ArenaSpan& bucket : model::cut_buckets(complete, question.bucket_bytes))
    step.buckets.push_back(bucket.end - bucket.begin);
  step.update_s_per_element = workload.update_s_per_parameter;
  const CodecCost cost = workload.codec_cost(question.format);
  step.format = question.format;
  step.encode_s_per_element = cost.encode_s;
  step.decode_s_per_element = cost.decode_s;
  step.has_device = workload.device == WorkloadDevice::cuda;
  step.algorithm = question.algorithm;
  return step;
}

Prediction alone(const Workload& workload) {
  const double step_s = workload.step_s();
  return {.algorithm = "none", .step_s = step_s, .compute_s = step_s, .speedup = 1};
}

Prediction predict_with(const Workload& workload, const comm::simulator::Fabric& fabric,
                        const Question& question) {
  const comm::simulator::SimulatedTimes times =
      simulate(fabric, question.nodes, question.ranks_per_node, step_of(workload, question));
  return {.algorithm = question.algorithm,
          .step_s = times.step_s,
          .compute_s = times.step_s - times.exposed_s,
          .exposed_s = times.exposed_s,
          .wire_s = times.wire_s,
          .codec_s = times.codec_s,
          .wire_bytes = times.bytes_sent.front(),
          .flows = times.flows,
          .speedup = question.nodes * question.ranks_per_node * workload.step_s() / times.step_s};
}

// An algorithm that could be the fastest.
struct Candidate {
  Question question;
  comm::simulator::StepOutline outline;
};

// Those that can be simulated, the least work first.
std::vector<Candidate> candidates(const Workload& workload, const comm::simulator::Fabric& fabric,
                                  const Question& question) {
  std::vector<Candidate> all;
  for (const comm::schedules::Generator& generator : comm::schedules::generators()) {
    if (generator.collective != comm::schedules::Collective::all_reduce) continue;
    if (generator.exact_only && question.format != quant8::Format::fp32) continue;
    Question each = question;
    each.algorithm = generator.name;
    const comm::simulator::SimulatedStep step = step_of(workload, each);
    if (comm::simulator::schedule_steps(each.nodes, each.ranks_per_node, step) >
        comm::simulator::kMostScheduleSteps)
      base::log_info("{}: left out, its schedules are too large to simulate", generator.name);
    else
      all.push_back({each, outline(fabric, each.nodes, each.ranks_per_node, step)});
  }
  std::ranges::stable_sort(all, {}, [](const Candidate& candidate) { return candidate.outline.work(); });
  return all;
}

// What takes seconds is said before it begins.
void say_cost(const Question& question, const comm::simulator::StepOutline& outline) {
  constexpr std::size_t kFelt = 20'000;
  if (outline.messages > kFelt)
    base::log_info("{} nodes x {}, {}: simulating {}, about {} messages between ranks", question.nodes,
                   question.ranks_per_node, to_string(question.format), question.algorithm, outline.messages);
}

Prediction predict_fastest(const Workload& workload, const comm::simulator::Fabric& fabric,
                           const Question& question) {
  Prediction best;
  for (const auto& [each, outline] : candidates(workload, fabric, question)) {
    if (!best.algorithm.empty() && outline.least_s >= best.step_s) {
      base::log_info("{}: left out, its bytes alone make a step {:.3f} ms long", each.algorithm,
                     1e3 * outline.least_s);
      continue;
    }
    say_cost(each, outline);
    const base::TimePoint start = base::Clock::now();
    const Prediction prediction = predict_with(workload, fabric, each);
    base::log_info("{}: {:.3f} ms a step, simulated in {:.1f} s", each.algorithm, 1e3 * prediction.step_s,
                   base::seconds_since(start));
    if (best.algorithm.empty() || prediction.step_s < best.step_s) best = prediction;
  }
  if (best.algorithm.empty())
    base::raise<base::ConfigError>("{} ranks are more than can be simulated by any algorithm",
                                   question.nodes * question.ranks_per_node);
  return best;
}

}  // namespace

bool can_predict() {
  return comm::simulator::has_simulator();
}

Prediction predict(const Workload& workload, const comm::simulator::Fabric& fabric,
                   const Question& question) {
  if (question.nodes * question.ranks_per_node == 1) return alone(workload);
  if (question.algorithm.empty()) return predict_fastest(workload, fabric, question);
  say_cost(question, outline(fabric, question.nodes, question.ranks_per_node, step_of(workload, question)));
  return predict_with(workload, fabric, question);
}

std::string shared_cores(const Workload& workload, const comm::simulator::Fabric& fabric) {
  if (workload.device == WorkloadDevice::cuda || fabric.cores == 0 || fabric.nodes_per_machine == 1)
    return "";
  const std::string nodes =
      fabric.nodes_per_machine == 0 ? "all nodes" : fmt::format("every {} nodes", fabric.nodes_per_machine);
  return fmt::format("{} share {} core{} of one machine", nodes, fabric.cores, fabric.cores == 1 ? "" : "s");
}

comm::simulator::Fabric with_own_hosts(comm::simulator::Fabric fabric) {
  if (fabric.cores > 0) fabric.nodes_per_machine = 1;
  return fabric;
}

}  // namespace eightfold::runtime::scale
