#include "runtime/run_directory.hpp"

#include "comm/environment.hpp"
#include "kernels/base/clock.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/json.hpp"
#include "runtime/checkpoint/store.hpp"
#include "runtime/config/show.hpp"
#include "runtime/version.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

namespace eightfold::runtime {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCheckpoints = "checkpoints";
constexpr const char* kFlight = "flight";
constexpr const char* kResolvedConfig = "config.resolved.toml";

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
  return end != std::string::npos && (begin == std::string::npos || begin < end);
}

fs::path checkpoint_store(const config::JobConfig& job, const fs::path& run_directory) {
  return job.checkpoint.dir.empty() ? run_directory / kCheckpoints : fs::path(job.checkpoint.dir);
}

std::optional<fs::path> newest_run(const config::JobConfig& job) {
  std::vector<fs::path> runs;
  std::error_code failure;
  for (fs::directory_iterator entry(fs::path(job.job.run_dir) / job.job.name, failure);
       entry != fs::directory_iterator(); entry.increment(failure))
    runs.push_back(entry->path());
  if (failure && failure != std::errc::no_such_file_or_directory && failure != std::errc::not_a_directory)
    base::raise<base::EnvironmentError>("cannot read the folder {}/{}: {}", job.job.run_dir, job.job.name,
                                        failure.message());
  std::sort(runs.rbegin(), runs.rend());  // names are times
  for (const fs::path& run : runs)
    if (holds_run(run) && !checkpoint::list(checkpoint_store(job, run)).empty()) return run;
  return std::nullopt;
}

std::optional<fs::path> run_of(const fs::path& checkpoint) {
  std::error_code failure;
  const fs::path store = fs::absolute(checkpoint, failure).lexically_normal().parent_path();
  const fs::path run = store.parent_path();
  if (failure || store.filename() != kCheckpoints || !holds_run(run)) return std::nullopt;
  fs::path relative = fs::relative(run, failure);
  return failure ? run : relative;
}

fs::path flight_directory(const fs::path& run_directory) {
  return run_directory / kFlight;
}

fs::path create_flight_directory(const fs::path& run_directory) {
  fs::path directory = flight_directory(run_directory);
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
  return base::json_text(nlohmann::json{{"eightfold", version()},
                                        {"build", build_facts()},
                                        {"mpi", comm::mpi_library_version()},
                                        {"hosts", facts.hosts},
                                        {"device", facts.device},
                                        {"ranks", facts.ranks},
                                        {"nodes", facts.nodes},
                                        {"threads", facts.threads},
                                        {"time", base::utc_stamp()}});
}

void describe_run(const fs::path& run_directory, const config::JobConfig& job, const RunFacts& facts) {
  base::write_file_durably(run_directory / kResolvedConfig, config::resolved_toml(job));
  base::write_file_durably(run_directory / "environment.json",
                           base::json_page(base::parse_json(environment_json(facts))));
}

}  // namespace eightfold::runtime
