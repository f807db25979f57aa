#include "launch/scale/run_options.hpp"

#include "kernels/base/parse.hpp"
#include "launch/command/result.hpp"
#include "launch/process/shipped_files.hpp"
#include "runtime/job/exchange_keys.hpp"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace eightfold::launch::scale {
namespace {

namespace fs = std::filesystem;

void check_known(std::string_view option, const std::vector<std::string>& given,
                 const std::vector<std::string_view>& known, std::string_view also = {}) {
  for (const std::string& each : given)
    if (each != also && std::ranges::find(known, each) == known.end())
      base::raise<base::ConfigError>("{} {}: there are {}{}{}", option, each, also, also.empty() ? "" : ", ",
                                     fmt::join(known, ", "));
}

ExperimentAxes axes_of(const ScaleRunOptions& options, const std::vector<int>& ranks_per_node,
                       std::int64_t job_batch) {
  using namespace runtime;
  check_known("--codec", options.codecs, job::codec_names(), runtime::scale::kNoExchange);
  check_known("--algorithm", options.algorithms, job::algorithm_names());
  ExperimentAxes axes{options.nodes, ranks_per_node, options.codecs, options.algorithms, {}, 1, 1};
  for (const std::string& name : options.policies) {
    const auto policy = runtime::scale::parse_batch_policy(name);
    if (!policy) base::raise<base::ConfigError>("--batch {}: there are strong, weak", name);
    axes.policies.push_back(*policy);
  }
  const auto has = [&](runtime::scale::BatchPolicy policy) {
    return std::ranges::find(axes.policies, policy) != axes.policies.end();
  };
  process::check_no_effect(options.global_batch > 0 && !has(runtime::scale::BatchPolicy::strong),
                           "--global-batch", "--batch strong");
  process::check_no_effect(options.rank_batch > 0 && !has(runtime::scale::BatchPolicy::weak), "--rank-batch",
                           "--batch weak");
  axes.strong_batch = options.global_batch > 0 ? options.global_batch : job_batch;
  axes.weak_batch = options.rank_batch > 0 ? options.rank_batch : job_batch;
  return axes;
}

void check_nodes(const process::Launcher& launcher, const std::vector<int>& nodes) {
  if (launcher.kind != process::LauncherKind::mpirun) return;
  const int most = std::ranges::max(nodes);
  const std::size_t hosts = launcher.hosts.empty() ? 1 : launcher.hosts.size();
  if (static_cast<std::size_t>(most) > hosts)
    base::raise<base::ConfigError>("--nodes {}: {} hosts are known; --hosts or --hostfile names more", most,
                                   hosts);
}

// The numbers of --ranks-per-node, or the slots of the hosts. A point has equally many ranks on each of its
// nodes.
std::vector<int> chosen_ranks_per_node(const ScaleRunOptions& options, std::vector<process::Host> hosts) {
  if (hosts.empty()) return options.ranks_per_node.empty() ? std::vector{1} : options.ranks_per_node;
  hosts.resize(static_cast<std::size_t>(std::ranges::max(options.nodes)));
  for (const int ranks : options.ranks_per_node) process::choose_slots(hosts, ranks);
  if (!options.ranks_per_node.empty()) return options.ranks_per_node;
  process::choose_slots(hosts, 0);
  for (const process::Host& host : hosts)
    if (host.slots != hosts[0].slots)
      base::raise<base::ConfigError>(
          "host {} is for {} ranks and {} for {}; a point has equally many on each of its nodes: "
          "--ranks-per-node says how many",
          hosts[0].name, hosts[0].slots, host.name, host.slots);
  return {hosts[0].slots};
}

void check_overrides(const std::vector<std::string>& overrides) {
  for (const std::string& each : overrides)
    for (const auto& [key, option] :
         {std::pair("exchange.codec=", "--codec"), std::pair("exchange.algorithm=", "--algorithm")})
      if (each.starts_with(key))
        base::raise<base::ConfigError>("--set {}: {} says which are measured", each, option);
}

void add_points(const command::Command& command, ScaleRunOptions& options) {
  const auto add_list = [&](const char* name, auto& list, const char* help) {
    return command.add_option(name, list, help)
        .comma_separated()
        .one_word()  // the next word may be the job
        .show_default();
  };
  add_list("--nodes", options.nodes, "Numbers of nodes, separated by commas").in_range(1, 10000);
  command
      .add_option("--ranks-per-node", options.ranks_per_node,
                  "Numbers of ranks on each of them; without it what the hosts say, or 1")
      .comma_separated()
      .one_word()
      .in_range(1, 1000);
  add_list("--codec", options.codecs, "Formats of exchange.codec; none: without an exchange");
  add_list("--algorithm", options.algorithms, "As in exchange.algorithm");
  add_list("--batch", options.policies, "strong: --global-batch for all ranks; weak: --rank-batch for each");
  command.add_option("--global-batch", options.global_batch, "Without it, the job's global_batch")
      .in_range(1, 1 << 30);
  command.add_option("--rank-batch", options.rank_batch, "Without it, the job's global_batch")
      .in_range(1, 1 << 30);
  command.add_option("--repeats", options.repeats, "Starts of each point").show_default().in_range(1, 10000);
  command.add_option("--steps", options.steps, "Steps to time in each start")
      .show_default()
      .in_range(1, 1000000);
  command.add_option("--warmup", options.warmup, "Steps before them").show_default().in_range(0, 1000000);
}

}  // namespace

void ScaleRunOptions::add_to(const command::Command& command) {
  job.add_to(command);
  command.add_option("--results", results, "Where results are appended, as lines of JSON")
      .required()
      .type_name("FILE");
  add_points(command, *this);
  launcher.add_to(command);
  command.add_option("--time-limit", time_limit, "For each start").show_default();
  command.add_flag("--retry-failed", retries_failed, "Measure again what has failed before");
  command.add_flag("--dry-run", is_dry, "Only print the command lines");
}

Experiment experiment_of(const ScaleRunOptions& options) {
  command::check_result_path("--results", options.results);
  check_overrides(options.job.overrides);
  const runtime::job::ParsedJob parsed = command::read_job(options.job);
  const runtime::config::JobConfig& job = parsed.config;
  Experiment experiment;
  const fs::path program = process::this_program();
  experiment.results = options.results;
  experiment.retries_failed = options.retries_failed;
  if (!fs::is_regular_file(options.job.file))
    base::raise<base::ConfigError>("{}: every start reads the job again: name a regular file, not a pipe",
                                   options.job.file.string());
  experiment.bench = {program.string(),
                      fs::absolute(options.job.file).string(),
                      fmt::format("{}.step.{}.json", fs::absolute(options.results).string(), ::getpid()),
                      command::overrides_elsewhere(options.job, parsed.origins),
                      options.steps,
                      options.warmup};
  experiment.launcher = process::launcher_of(options.launcher, program);
  check_nodes(experiment.launcher, options.nodes);
  const std::vector<int> ranks_per_node = chosen_ranks_per_node(options, experiment.launcher.hosts);
  experiment.points = points_of(axes_of(options, ranks_per_node, job.job.global_batch));
  experiment.starts = starts_of(experiment.points, options.repeats);
  const auto limit = base::parse_duration(options.time_limit);
  if (!limit || *limit < std::chrono::seconds(1) || *limit > std::chrono::hours(24 * 7))
    base::raise<base::ConfigError>("--time-limit {}: a duration from 1s to 168h is needed",
                                   options.time_limit);
  experiment.time_limit = *limit;
  experiment.name =
      experiment_name(job, experiment.bench, experiment.launcher.name(), experiment.launcher.arguments);
  return experiment;
}

}  // namespace eightfold::launch::scale
