#include "launch/command/job.hpp"

#include "comm/mpi/agreed_error.hpp"
#include "comm/mpi/binding.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/out_of_memory.hpp"
#include "launch/command/result.hpp"
#include "runtime/checkpoint/store.hpp"
#include "runtime/config/names.hpp"
#include "runtime/config/tables.hpp"
#include "runtime/data/registry.hpp"
#include "runtime/job/show.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

namespace eightfold::launch::command {
namespace {

using runtime::config::DeviceChoice;
using runtime::config::JobConfig;
using runtime::job::ParsedJob;

std::optional<kernels::DeviceKind> device_kind(DeviceChoice choice) {
  switch (choice) {
    case DeviceChoice::automatic:
      return std::nullopt;
    case DeviceChoice::host:
      return kernels::DeviceKind::host;
    case DeviceChoice::cuda:
      return kernels::DeviceKind::cuda;
  }
  return std::nullopt;
}

// The hosts of all ranks, each once, on rank 0.
std::string all_hosts(comm::mpi::Communicator& world) {
  std::vector<std::string> hosts;
  for (std::string& host : world.gather(world.host(), 0))
    if (std::ranges::find(hosts, host) == hosts.end()) hosts.push_back(std::move(host));
  return fmt::format("{}", fmt::join(hosts, ","));
}

[[noreturn]] void raise_out_of_memory(const std::exception& failure, const std::string& advice) {
  base::raise<base::OutOfMemory>("{}; {}", base::describe(failure), advice);
}

// Returns make(). If memory does not suffice, the error ends with `advice`, the key that asks for less.
template <class Make>
auto in_memory(const Make& make, const std::string& advice) {
  try {
    return make();
  } catch (const base::OutOfMemory& failure) {
    raise_out_of_memory(failure, advice);
  } catch (const std::bad_alloc& failure) {
    raise_out_of_memory(failure, advice);
  }
}

std::string data_advice(const runtime::config::Data& data) {
  return !runtime::data::find_data_kind(data.kind).traits.has_files
             ? "data.train and data.test say how many samples are drawn"
             : "data.kind: every rank holds all samples in memory";
}

std::string pass_advice(const runtime::config::Job& job, int ranks) {
  const std::int64_t local_batch = (job.global_batch + ranks - 1) / ranks;
  const std::int64_t rows = job.micro_batch > 0 ? std::min(job.micro_batch, local_batch) : local_batch;
  return rows > 1 ? fmt::format(
                        "a rank takes {} samples through the model at once: a smaller job.micro_batch, "
                        "or smaller layers, need less",
                        rows)
                  : std::string("job.micro_batch is 1 already: only smaller layers need less");
}

}  // namespace

void JobOptions::add_to(const Command& command) {
  command.add_option("job", file, "Job file (TOML); see docs/config.md for its keys")
      .required()
      .type_name("JOB");
  command
      .add_option("--set", overrides,
                  "Override a key of the job file, e.g. --set optimizer.learning_rate=0.01; repeatable")
      .type_name("KEY=VALUE")
      .repeatable();
}

void DeviceOption::add_to(const Command& command) {
  const auto& names = runtime::config::kNames<DeviceChoice>;
  command.add_option("--device", name, "auto: a GPU where there is one")
      .show_default()
      .one_of(std::vector<std::string>(names.begin(), names.end()));
}

DeviceChoice DeviceOption::choice() const {
  const auto& names = runtime::config::kNames<DeviceChoice>;
  return static_cast<DeviceChoice>(std::ranges::find(names, name) - names.begin());
}

void share_json_check(comm::mpi::Communicator& world, const std::filesystem::path& path) {
  comm::mpi::run_agreed(world, [&] {
    if (world.rank() == 0) prepare_json(path);
  });
}

const std::string& text_of(const JobOptions& options) {
  if (*options.text) return **options.text;
  std::error_code ignored;
  // The path that a shell gives for <(...).
  if (options.file.string().starts_with("/dev/fd/") && !std::filesystem::exists(options.file, ignored))
    base::raise<base::ConfigError>(
        "cannot read {}: it is not open here, for a launcher does not hand it to its ranks; write the job to "
        "the launcher's standard input and name /dev/stdin",
        options.file.string());
  return options.text->emplace(runtime::config::read_toml_file(options.file));
}

ParsedJob read_job(const JobOptions& options) {
  return runtime::job::parse_job(text_of(options), options.file.string(), options.overrides);
}

ParsedJob read_saved_job(const std::filesystem::path& checkpoint, const std::vector<std::string>& overrides) {
  const std::filesystem::path file = checkpoint / runtime::checkpoint::kConfigFile;
  return runtime::job::parse_job(runtime::config::read_toml_file(file), file.string(), overrides,
                                 runtime::config::FormerNames::understood);
}

std::vector<std::string> overrides_elsewhere(const JobOptions& options,
                                             const runtime::config::Origins& origins) {
  std::vector<std::string> overrides = options.overrides;
  for (const auto& [key, place] : origins) {
    if (place.expanded.empty()) continue;
    const auto is_of_key = [&, start = key + "="](const std::string& each) {
      return each.starts_with(start);
    };
    std::erase_if(overrides, is_of_key);
    overrides.push_back(fmt::format("{}={}", key, place.expanded));
  }
  return overrides;
}

DeviceChoice known_device(const JobOptions& options) {
  std::error_code ignored;
  // A pipe can be read once, and by one rank.
  if (!std::filesystem::is_regular_file(options.file, ignored)) return known_device(options.overrides);
  return read_job(options).config.job.device;
}

DeviceChoice known_device(const std::vector<std::string>& overrides) {
  constexpr std::string_view kKey = "job.device=";
  DeviceOption last;
  for (const std::string& each : overrides)
    if (each.starts_with(kKey)) last.name = each.substr(kKey.size());
  const auto& names = runtime::config::kNames<DeviceChoice>;
  return std::ranges::find(names, last.name) == names.end() ? DeviceChoice::automatic : last.choice();
}

void select_device_before_mpi(const std::function<DeviceChoice()>& device) {
  if (!kernels::is_built_with(kernels::DeviceKind::cuda)) return;
  DeviceChoice known = DeviceChoice::automatic;
  try {
    known = device();
  } catch (const std::exception&) {  // rank 0 reads the job again, and tells of it
  }
  comm::mpi::select_device_before_mpi(device_kind(known));
}

JobConfig share_job(comm::mpi::Communicator& world, const std::function<ParsedJob()>& read_on_root) {
  std::optional<JobConfig> mine;
  std::string text;
  comm::mpi::run_agreed(world, [&] {
    if (world.rank() != 0) return;
    mine = read_on_root().config;
    text = runtime::job::resolved_toml(*mine);
  });
  world.broadcast_text(text, 0);
  // Rank 0 keeps the line numbers of the user's own file for later messages.
  return mine ? *mine : runtime::job::parse_job(text, "the resolved job").config;
}

JobConfig share_job(comm::mpi::Communicator& world, const JobOptions& options) {
  return share_job(world, [&] { return read_job(options); });
}

std::unique_ptr<runtime::run::Session> plan_session(comm::mpi::Communicator& world, const JobConfig& job,
                                                    const runtime::run::RankPlace& place,
                                                    const std::function<runtime::data::Split()>& open_data,
                                                    const runtime::data::TrainingFacts* facts) {
  std::unique_ptr<runtime::run::Session> session;
  comm::mpi::run_agreed(world, [&] {
    runtime::data::Split data = in_memory(open_data, data_advice(job.data));
    const auto plan = [&] {
      return facts ? std::make_unique<runtime::run::Session>(job, std::move(data), *facts, place)
                   : std::make_unique<runtime::run::Session>(job, std::move(data), place);
    };
    session = in_memory(plan, pass_advice(job.job, place.ranks));
  });
  const std::vector<std::uint64_t> fingerprints = world.all_gather(session->data_fingerprint());
  const auto odd = std::ranges::find_if(fingerprints, [&](auto each) { return each != fingerprints[0]; });
  if (odd != fingerprints.end())
    throw comm::mpi::AgreedError(
        base::ExitCode::data,
        fmt::format("rank {} has read other data than rank 0: data.dir must hold the same files "
                    "on every host",
                    odd - fingerprints.begin()));
  return session;
}

std::unique_ptr<runtime::run::Session> plan_session(comm::mpi::Communicator& world, const JobConfig& job,
                                                    const runtime::run::RankPlace& place) {
  return plan_session(world, job, place, [&] { return runtime::data::open(job.data, job.job.seed); });
}

Placement place_rank(comm::mpi::Communicator& world, const runtime::config::Job& job) {
  Placement placement;
  comm::mpi::run_agreed(
      world, [&] { placement.place.device = comm::mpi::bind_device(world, device_kind(job.device)); });
  kernels::set_tf32(job.tf32);
  if (job.tf32 && placement.place.device.kind == kernels::DeviceKind::host)
    base::log_info("job.tf32 has no effect: {} computes in fp32", to_string(placement.place.device));
  const int threads = comm::mpi::bind_host_threads(world, static_cast<int>(job.threads));
  placement.place.rank = world.rank();
  placement.place.ranks = world.size();
  placement.facts = {all_hosts(world), to_string(placement.place.device), world.size(), world.node_count(),
                     threads};
  return placement;
}

Placement place_rank(comm::mpi::Communicator& world, const DeviceOption& device) {
  runtime::config::Job job;
  job.device = device.choice();
  return place_rank(world, job);
}

}  // namespace eightfold::launch::command
