#include "launch/supervise/options.hpp"

#include "kernels/base/counted.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"
#include "kernels/base/path.hpp"
#include "launch/command/command.hpp"
#include "launch/command/result.hpp"
#include "launch/process/shipped_files.hpp"
#include "runtime/run/run_directory.hpp"

#include <cstdlib>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

namespace eightfold::launch::supervise {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr std::string_view kByItself = "auto";

std::optional<int> environment_number(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  const auto number = base::parse_integer(text);
  if (!number || *number < 1 || *number > std::numeric_limits<int>::max())
    base::raise<base::EnvironmentError>("{} is \"{}\", a number from 1 is needed", name, text);
  return static_cast<int>(*number);
}

process::LauncherOptions chosen_launcher(process::LauncherOptions options,
                                         const std::optional<Allocation>& allocation) {
  if (options.kind != kByItself) return options;
  const bool names_hosts = !options.hosts.empty() || !options.hostfile.empty();
  options.kind = allocation && !names_hosts ? "srun" : "mpirun";
  if (allocation)
    base::log_info("launcher {}: {} allocation {} of Slurm, with {}", options.kind,
                   names_hosts ? "hosts are named inside" : "in", allocation->id,
                   base::counted(allocation->nodes, "node"));
  return options;
}

// The number of nodes to use.
int nodes_there(const LaunchOptions& options, const process::Launcher& launcher,
                const std::optional<Allocation>& allocation) {
  switch (launcher.kind) {
    case process::LauncherKind::mpirun:
      return launcher.hosts.empty() ? 1 : static_cast<int>(launcher.hosts.size());
    case process::LauncherKind::srun:
      if (allocation) return allocation->nodes;
      break;
    case process::LauncherKind::netcluster:
      break;
  }
  if (options.nodes == 0)
    base::raise<base::ConfigError>("--launcher {}: --nodes has to say on how many", launcher.name());
  return options.nodes;
}

int chosen_nodes(const LaunchOptions& options, const process::Launcher& launcher,
                 const std::optional<Allocation>& allocation) {
  const int there = nodes_there(options, launcher, allocation);
  if (options.nodes > there)
    base::raise<base::ConfigError>("--nodes {}: there are {}; {}", options.nodes, there,
                                   launcher.kind == process::LauncherKind::srun
                                       ? "the allocation has no more"
                                       : "--hosts or --hostfile names more");
  return options.nodes > 0 ? options.nodes : there;
}

int chosen_ranks_per_node(const LaunchOptions& options, const process::Launcher& launcher,
                          const std::optional<Allocation>& allocation) {
  if (options.ranks_per_node > 0) return options.ranks_per_node;
  if (launcher.kind != process::LauncherKind::srun || !allocation || !allocation->tasks) return 1;
  if (*allocation->tasks % allocation->nodes != 0)
    base::raise<base::ConfigError>(
        "the allocation has {} on {}, which does not come out even; --ranks-per-node says how "
        "many "
        "to start on each",
        base::counted(*allocation->tasks, "task"), base::counted(allocation->nodes, "node"));
  return *allocation->tasks / allocation->nodes;
}

// Names the launcher's hosts, so that some of them can be left out. `ranks_per_node`: 0 for the slots of the
// hosts.
void name_hosts(process::Launcher& launcher, int nodes, int ranks_per_node) {
  if (launcher.kind == process::LauncherKind::netcluster)
    for (int node = 1; node <= nodes; ++node)
      launcher.hosts.push_back({fmt::format("{}{}", launcher.cluster, node)});
  if (!launcher.hosts.empty()) launcher.hosts.resize(static_cast<std::size_t>(nodes));
  process::choose_slots(launcher.hosts, ranks_per_node);
}

// The ranks on each node: those of the hosts, or, with none, of all nodes.
std::vector<int> ranks_of_nodes(const LaunchPlan& plan, const std::vector<process::Host>& hosts) {
  if (hosts.empty()) return std::vector<int>(static_cast<std::size_t>(plan.nodes), plan.ranks_per_node);
  std::vector<int> ranks;
  for (const process::Host& host : hosts) ranks.push_back(host.slots);
  return ranks;
}

// The run that --resume asks for; nothing if it does not, or if there is none.
std::optional<fs::path> run_to_resume(const LaunchOptions& options, const runtime::config::JobConfig& job) {
  if (!options.resume.is_given()) return std::nullopt;
  if (options.resume_from.empty()) return runtime::run::newest_run(job);
  if (runtime::run::holds_run(options.resume_from)) return options.resume_from;
  if (auto run = runtime::run::run_with_store(runtime::run::checkpoints_at(options.resume_from))) return run;
  base::raise<base::ConfigError>("--resume: {} is no directory of a run", options.resume_from.string());
}

}  // namespace

void LaunchOptions::add_to(const command::Command& command) {
  launcher.kind = kByItself;
  job.add_to(command);
  launcher.add_to(command);
  command.add_option("--nodes", nodes, "How many nodes; all of the hosts or of the allocation without it")
      .in_range(1, 10000);
  command
      .add_option("--ranks-per-node", ranks_per_node,
                  "Ranks on each; without it what the hosts or Slurm say, or 1")
      .in_range(1, 1000);
  command
      .add_option("--max-restarts", max_restarts, "How often in a row without a newer checkpoint; 0: never")
      .show_default()
      .in_range(0, 1000000);
  command
      .add_option("--backoff", backoff,
                  "Before the first restart in a row; twice as long before each other, up to 60s")
      .show_default();
  resume = command
               .add_option("--resume", resume_from,
                           "Go on with a run: its directory, or (without RUN) the newest run of this job")
               .type_name("[RUN]")
               .optional_value();
  command::add_json_option(command, json);
  command.add_flag("--dry-run", is_dry, "Only print the command line of the first attempt");
}

std::optional<Allocation> slurm_allocation() {
  const char* id = std::getenv("SLURM_JOB_ID");
  if (id == nullptr) return std::nullopt;
  return Allocation{id, environment_number("SLURM_JOB_NUM_NODES").value_or(1),
                    environment_number("SLURM_NTASKS")};
}

// Asked each time, because the directory that is made may have another name than the one that was planned.
fs::path LaunchPlan::job_file() const {
  return job_text.empty() ? given_file : fs::absolute(run_directory / "job.toml");
}

int LaunchPlan::ranks_on(const std::vector<process::Host>& hosts) const {
  const std::vector<int> each = ranks_of_nodes(*this, hosts);
  return std::accumulate(each.begin(), each.end(), 0);
}

Words LaunchPlan::command(const std::vector<process::Host>& hosts, bool resumes) const {
  Words train = {program.string(), "train", base::literal_path(job_file().string())};
  for (const std::string& each : overrides) train.insert(train.end(), {"--set", each});
  const int ranks = ranks_on(launcher.hosts);
  // Fewer ranks share the same batch in micro-batches of the former size, so that it still fits into memory.
  if (ranks_on(hosts) < ranks && job.job.micro_batch == 0)
    train.insert(train.end(),
                 {"--set", fmt::format("job.micro_batch={}", (job.job.global_batch + ranks - 1) / ranks)});
  train.insert(train.end(), {"--run-directory", base::literal_path(run_directory.string())});
  if (resumes) train.emplace_back("--resume");
  if (!json.empty()) train.insert(train.end(), {"--json", base::literal_path(json.string())});
  return launcher.on(hosts).command(ranks_of_nodes(*this, hosts), train);
}

LaunchPlan plan_of(const LaunchOptions& options, const std::optional<Allocation>& allocation) {
  command::check_json_path(options.json);
  LaunchPlan plan;
  runtime::job::ParsedJob job = command::read_job(options.job);
  plan.overrides = command::overrides_elsewhere(options.job, job.origins);
  plan.job = std::move(job.config);
  plan.program = process::this_program();
  plan.given_file = fs::absolute(options.job.file);
  plan.json = options.json;
  plan.launcher = process::launcher_of(chosen_launcher(options.launcher, allocation), plan.program);
  plan.nodes = chosen_nodes(options, plan.launcher, allocation);
  plan.ranks_per_node = chosen_ranks_per_node(options, plan.launcher, allocation);
  name_hosts(plan.launcher, plan.nodes, options.ranks_per_node);
  const auto backoff = base::parse_duration(options.backoff);
  if (!backoff || *backoff > std::chrono::hours(24))
    base::raise<base::ConfigError>("--backoff {}: a duration from 0s to 24h is needed", options.backoff);
  plan.backoff = *backoff;
  plan.max_restarts = options.max_restarts;
  const std::optional<fs::path> run = run_to_resume(options, plan.job);
  plan.goes_on = run.has_value();
  plan.run_directory = run ? *run : runtime::run::free_run_directory(plan.job.job);
  if (!fs::is_regular_file(options.job.file)) plan.job_text = command::text_of(options.job);
  return plan;
}

}  // namespace eightfold::launch::supervise
