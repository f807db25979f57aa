// eightfold scale simulate
#include "comm/selection.hpp"
#include "kernels/base/parse.hpp"
#include "launch/bench/options.hpp"
#include "launch/command/result.hpp"
#include "launch/process/launcher_options.hpp"
#include "launch/process/shipped_files.hpp"
#include "launch/scale/scale.hpp"
#include "runtime/scale/fabric_file.hpp"
#include "runtime/scale/prediction.hpp"
#include "runtime/scale/workload_file.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace eightfold::launch::scale {
namespace {

using runtime::scale::Prediction;
using runtime::scale::Question;
using runtime::scale::Workload;

constexpr std::size_t kSmallestBucket = std::size_t{1} << 10, kLargestBucket = std::size_t{1} << 40;
constexpr int kMostSimulatedRanks = 10'000;

struct SimulateOptions {
  std::filesystem::path workload, fabric;
  std::vector<int> nodes;
  int gpus_per_node = 1;
  std::vector<std::string> codecs;
  std::string algorithm;
  std::string bucket = "4MiB";
  std::int64_t batch = 0;  // 0: the workload's
  bool has_own_hosts = false;
  std::filesystem::path json;
};

struct Simulation {
  Workload workload;
  comm::simulator::Fabric fabric;
  std::vector<Question> questions;
};

std::size_t bucket_bytes(const std::string& text) {
  const auto bytes = base::parse_bytes(text);
  if (!bytes || *bytes < kSmallestBucket || *bytes > kLargestBucket)
    base::raise<base::ConfigError>("--bucket {}: a size from {} to {} is needed", text,
                                   base::format_bytes(kSmallestBucket), base::format_bytes(kLargestBucket));
  return *bytes;
}

comm::simulator::Fabric fabric_of(const SimulateOptions& options, const std::filesystem::path& workload) {
  if (!options.fabric.empty())
    return runtime::scale::read_fabric(
        process::find_described(process::this_program(), "--fabric", "fabrics", options.fabric));
  try {
    return runtime::scale::read_fabric(workload);
  } catch (const base::ConfigError& error) {
    base::raise<base::ConfigError>("{}; --fabric names another file", error.what());
  }
}

void check_algorithm(const std::string& algorithm) {
  if (!algorithm.empty() && comm::schedules::find_allreduce(algorithm) == nullptr)
    base::raise<base::ConfigError>("--algorithm {}: there are {}", algorithm,
                                   fmt::join(comm::schedules::allreduce_names(), ", "));
}

// One question a row, all checked before the first is simulated.
std::vector<Question> questions_of(const SimulateOptions& options, const Workload& workload) {
  std::vector<Question> questions;
  const std::size_t bytes = bucket_bytes(options.bucket);
  check_algorithm(options.algorithm);
  for (const int nodes : options.nodes)
    for (const std::string& codec : options.codecs) {
      const quant8::Format format = bench::parse_format_option("--codec", codec);
      if (!options.algorithm.empty()) comm::allreduce_generator(options.algorithm, format);
      (void)workload.codec_cost(format);
      if (nodes > kMostSimulatedRanks / options.gpus_per_node)
        base::raise<base::ConfigError>("--nodes {} --gpus-per-node {}: at most {} GPUs are simulated", nodes,
                                       options.gpus_per_node, kMostSimulatedRanks);
      questions.push_back({nodes, options.gpus_per_node, format, options.algorithm, bytes});
    }
  return questions;
}

Simulation simulation_of(const SimulateOptions& options) {
  const std::filesystem::path file =
      process::find_described(process::this_program(), "--workload", "workloads", options.workload);
  Workload workload = runtime::scale::read_workload(file);
  if (options.batch > 0) workload = workload.with_batch(options.batch);
  comm::simulator::Fabric fabric = fabric_of(options, file);
  if (options.has_own_hosts) {
    process::check_no_effect(shared_cores(workload, fabric).empty(), kOwnHosts, "nodes that share cores");
    fabric = runtime::scale::with_own_hosts(std::move(fabric));
  }
  return {workload, fabric, questions_of(options, workload)};
}

command::ResultRow row_of(const Question& question, const Prediction& prediction) {
  return {{"speedup", prediction.speedup},
          {"step_ms", 1e3 * prediction.step_s},
          {"compute_ms", 1e3 * prediction.compute_s},
          {"exposed_ms", 1e3 * prediction.exposed_s},
          {"wire_ms", 1e3 * prediction.wire_s},
          {"codec_ms", 1e3 * prediction.codec_s},
          {"algorithm", prediction.algorithm},
          {"codec", to_string(question.format)},
          {"nodes", question.nodes},
          {"ranks", question.nodes * question.ranks_per_node},
          {"wire_bytes", prediction.wire_bytes},
          {"flows", prediction.flows}};
}

void print_head(const Simulation& simulation) {
  const std::string shared = shared_cores(simulation.workload, simulation.fabric);
  fmt::print("{} on {}, {} samples a GPU{}; times in ms\n", simulation.workload.name, simulation.fabric.name,
             simulation.workload.batch,
             shared.empty() ? "" : fmt::format("; {} ({}: none do)", shared, kOwnHosts));
  fmt::print("{:>6} {:>6}  {:<13} {:<18} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "nodes", "GPUs", "codec",
             "algorithm", "speed-up", "step", "computing", "exposed", "wire", "codec");
}

void print(const Question& question, const Prediction& prediction) {
  fmt::print("{:>6} {:>6}  {:<13} {:<18} {:>8.2f} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f}\n",
             question.nodes, question.nodes * question.ranks_per_node, to_string(question.format),
             prediction.algorithm, prediction.speedup, 1e3 * prediction.step_s, 1e3 * prediction.compute_s,
             1e3 * prediction.exposed_s, 1e3 * prediction.wire_s, 1e3 * prediction.codec_s);
  command::flush_output();
}

std::string environment_of(const Simulation& simulation) {
  return command::environment_without_device(
      1, 1,
      {{"workload", simulation.workload.name},
       {"fabric", simulation.fabric.name},
       {"batch", simulation.workload.batch},
       {"shared_cores", shared_cores(simulation.workload, simulation.fabric)},
       {"bucket_bytes", simulation.questions.front().bucket_bytes}});
}

void scale_simulate(const SimulateOptions& options) {
  command::prepare_json(options.json);
  const Simulation simulation = simulation_of(options);
  std::vector<command::ResultRow> rows;
  print_head(simulation);
  for (const Question& question : simulation.questions) {
    const Prediction prediction = predict(simulation.workload, simulation.fabric, question);
    print(question, prediction);
    rows.push_back(row_of(question, prediction));
  }
  command::publish(options.json, environment_of(simulation), rows);
}

void add_options(const command::Command& command, SimulateOptions& options) {
  const auto add_required = [&](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help).required();
  };
  add_required("--workload", options.workload, "What a GPU computes: a file, or a name of configs/workloads/")
      .type_name("FILE|NAME");
  command
      .add_option("--fabric", options.fabric,
                  "What joins the GPUs: a file, or a name of configs/fabrics/; without it, the file of the "
                  "workload says that too")
      .type_name("FILE|NAME");
  add_required("--nodes", options.nodes, "Numbers of nodes, separated by commas")
      .comma_separated()
      .in_range(1, kMostSimulatedRanks);
  add_required("--gpus-per-node", options.gpus_per_node, "GPUs in each, or ranks of a workload of the host")
      .in_range(1, 1000);
  add_required("--codec", options.codecs, "Formats of exchange.codec, separated by commas").comma_separated();
  command.add_option("--algorithm", options.algorithm,
                     "Of the exchange; without it, the fastest that is found");
  command.add_option("--bucket", options.bucket, "As exchange.bucket").show_default();
  command.add_option("--batch", options.batch, "Samples of each GPU, if not the workload's")
      .in_range(1, 1'000'000'000);
  command.add_flag(kOwnHosts, options.has_own_hosts, kOwnHostsHelp);
  command::add_json_option(command, options.json);
}

}  // namespace

void add_scale_simulate(const command::Command& scale, command::Action& chosen) {
  auto options = std::make_shared<SimulateOptions>();
  const command::Command command =
      scale.add_command("simulate", "Predict the step of a workload on a fabric that one does not have");
  command.footer(
      "Replays one step with the schedules of all ranks on the described fabric (SimGrid), for every number "
      "of "
      "nodes\n"
      "with every codec. speedup: against one GPU with as many samples; wire_ms: what the busiest link "
      "carries, "
      "over its\n"
      "rate; codec_ms: what one rank encodes and decodes. A profile taken on network namespaces has nodes "
      "that "
      "share cores:\n"
      "the first line says so.\n"
      "  eightfold scale simulate --workload alexnet-2014 --fabric fdr-2014 --nodes 1,8,32 --gpus-per-node 3 "
      "\\\n"
      "    --codec fp32,bf16,dynamic-tree8\n"
      "docs/scaling.md has the rest.");
  add_options(command, *options);
  command::run_alone(command, chosen, options, scale_simulate);
}

}  // namespace eightfold::launch::scale
