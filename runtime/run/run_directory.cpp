#include "runtime/run/run_directory.hpp"

#include "comm/mpi/environment.hpp"
#include "kernels/base/clock.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/json.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"
#include "runtime/checkpoint/store.hpp"
#include "runtime/config/tables.hpp"
#include "runtime/job/parse.hpp"
#include "runtime/job/show.hpp"
#include "runtime/telemetry/version.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

namespace eightfold::runtime::run {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCheckpoints = "checkpoints";
constexpr const char* kFlight = "flight";
constexpr const char* kResolvedConfig = "config.resolved.toml";

// What orders runs by the time they were made at: the stamp, then the number that tells runs of one second
// apart (free_run_directory).
std::pair<std::string, std::int64_t> age(const fs::path& run) {
  const std::string name = run.filename().string();
  const std::size_t end = name.rfind("Z-");
  if (end == std::string::npos) return {name, 1};
  const auto number = base::parse_integer(std::string_view(name).substr(end + 2));
  return number ? std::pair(name.substr(0, end + 1), *number) : std::pair(name, std::int64_t{1});
}

// The newest of the runs in `folder` whose store has a checkpoint.
std::optional<fs::path> newest_in(const fs::path& folder,
                                  const std::function<fs::path(const fs::path& run)>& store_of) {
  std::vector<fs::path> runs;
  std::error_code failure;
  for (fs::directory_iterator entry(folder, failure); entry != fs::directory_iterator();
       entry.increment(failure))
    runs.push_back(entry->path());
  if (failure && failure != std::errc::no_such_file_or_directory && failure != std::errc::not_a_directory)
    base::raise<base::EnvironmentError>("cannot read the folder {}: {}", folder.string(), failure.message());
  std::ranges::sort(runs, std::ranges::greater(), age);
  for (const fs::path& run : runs)
    if (holds_run(run) && !checkpoint::list(store_of(run)).empty()) return run;
  return std::nullopt;
}

// The folder of checkpoints of a run, by its own record of its job. The one inside the run, if the record
// cannot be read.
fs::path store_of(const fs::path& run) {
  const fs::path file = run / kResolvedConfig;
  try {
    const std::string text = config::read_toml_file(file);
    return checkpoint_store(job::parse_job(text, file.string(), {}, config::FormerNames::understood).config,
                            run);
  } catch (const base::ConfigError&) {
    return run / kCheckpoints;
  }
}

}  // namespace

fs::path free_run_directory(const config::Job& job) {
  const fs::path parent = fs::path(job.run_dir) / job.name;
  const std::string stamp = base::utc_stamp();
  fs::path directory = parent / stamp;
  std::error_code ignored;
  for (int attempt = 2; fs::exists(directory, ignored); ++attempt)  // two runs within a second
    directory = parent / fmt::format("{}-{}", stamp, attempt);
  return directory;
}

fs::path create_run_directory(const config::Job& job) {
  fs::path directory = free_run_directory(job);
  base::create_private_directories(directory.parent_path());
  // Another run may take the name between the look and the creation; mkdir decides.
  while (!base::create_private_directory(directory)) directory = free_run_directory(job);
  base::create_private_directories(directory / "log");
  return directory;
}

bool holds_run(const fs::path& directory) {
  std::error_code ignored;
  return fs::exists(directory / kResolvedConfig, ignored);
}

bool has_ended(const fs::path& directory) {
  constexpr std::streamoff kTail = 1 << 16;  // the end is among the last records
  // Opened before it is measured: over NFS that is what makes another host's last writes visible.
  std::ifstream metrics(directory / "metrics.jsonl", std::ios::binary | std::ios::ate);
  if (!metrics) return false;
  metrics.seekg(std::max<std::streamoff>(0, metrics.tellg() - kTail));
  const std::string tail{std::istreambuf_iterator<char>(metrics), {}};
  const std::size_t end = tail.rfind(R"("kind":"end")"), begin = tail.rfind(R"("kind":"begin")");
  // A resumed run appends to the same file: a "begin" behind the last "end" is one that has not ended.
  return end != std::string::npos && (begin == std::string::npos || begin < end);
}

fs::path checkpoint_store(const config::JobConfig& job, const fs::path& run_directory) {
  return job.checkpoint.dir.empty() ? run_directory / kCheckpoints : fs::path(job.checkpoint.dir);
}

std::optional<fs::path> newest_run(const config::JobConfig& job) {
  return newest_in(fs::path(job.job.run_dir) / job.job.name,
                   [&](const fs::path& run) { return checkpoint_store(job, run); });
}

fs::path checkpoints_at(const fs::path& path) {
  if (checkpoint::has_manifest(path) || !checkpoint::list(path).empty()) return path;
  const auto is_inside = [](const fs::path& store, const fs::path& run) {
    return store == run / kCheckpoints;
  };
  std::optional<fs::path> run = path;
  fs::path store = store_of(path);
  // A folder elsewhere is meant even where it is empty or gone: the message that follows is to name it.
  if (is_inside(store, path) && checkpoint::list(store).empty()) {
    run = newest_in(path, store_of);
    if (!run) return path;
    store = store_of(*run);
  }
  if (!is_inside(store, *run))
    base::log_info("{}: its checkpoints are in {}, as checkpoint.dir says", run->string(), store.string());
  return store;
}

std::optional<fs::path> run_with_store(const fs::path& store) {
  std::error_code failure;
  const fs::path folder = fs::absolute(store, failure).lexically_normal();
  const fs::path run = folder.parent_path();
  if (failure || folder.filename() != kCheckpoints || !holds_run(run)) return std::nullopt;
  fs::path relative = fs::relative(run, failure);
  return failure ? run : relative;
}

std::optional<fs::path> run_of(const fs::path& checkpoint) {
  std::error_code failure;
  const fs::path folder = fs::absolute(checkpoint, failure).lexically_normal();
  return failure ? std::nullopt : run_with_store(folder.parent_path());
}

fs::path flight_directory(const fs::path& run_directory) {
  return run_directory / kFlight;
}

fs::path create_flight_directory(const fs::path& run_directory) {
  fs::path directory = flight_directory(run_directory);
  // The records of an earlier start are kept: they show why it ended.
  if (std::error_code ignored; fs::exists(directory, ignored)) {
    fs::path earlier;
    for (int attempt = 1; earlier.empty() || fs::exists(earlier, ignored); ++attempt)
      earlier = run_directory / fmt::format("{}-{}", kFlight, attempt);
    std::error_code failure;
    fs::rename(directory, earlier, failure);
    if (failure)
      base::raise<base::EnvironmentError>("cannot rename {} to {}: {}", directory.string(), earlier.string(),
                                          failure.message());
  }
  base::create_private_directories(directory);
  return directory;
}

std::string environment_json(const RunFacts& facts) {
  return base::json_text(nlohmann::json{{"eightfold", telemetry::version()},
                                        {"build", telemetry::build_facts()},
                                        {"mpi", comm::mpi::mpi_library_version()},
                                        {"hosts", facts.hosts},
                                        {"device", facts.device},
                                        {"ranks", facts.ranks},
                                        {"nodes", facts.nodes},
                                        {"threads", facts.threads},
                                        {"time", base::utc_stamp()}});
}

void describe_run(const fs::path& run_directory, const config::JobConfig& job, const RunFacts& facts) {
  base::write_file_durably(run_directory / kResolvedConfig, job::resolved_toml(job));
  base::write_file_durably(run_directory / "environment.json",
                           base::json_page(base::parse_json(environment_json(facts))));
}

}  // namespace eightfold::runtime::run
