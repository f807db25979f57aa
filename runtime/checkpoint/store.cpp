#include "runtime/checkpoint/store.hpp"

#include "kernels/base/clock.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"
#include "runtime/version.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace eightfold::runtime::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";
constexpr std::string_view kAside = ".tmp-";

std::string directory_name(std::int64_t step) {
  return fmt::format("{}{:08}", kPrefix, step);
}

bool is_aside(const fs::path& path) {
  return path.filename().string().starts_with(kAside);
}

// The step a directory's name claims; nothing for any other name.
std::optional<std::int64_t> step_of(const fs::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  return base::parse_integer(std::string_view(name).substr(kPrefix.size()));
}

void rename_or_throw(const fs::path& from, const fs::path& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0)
    base::raise<base::EnvironmentError>("cannot rename {} to {}: {}", from.string(), to.string(),
                                        std::strerror(errno));
}

// Removes a directory that nobody must take for a checkpoint any more. Renamed aside first, so that a crash
// half-way leaves no checkpoint with files missing. Symbolic links are removed, not followed.
void discard(const fs::path& store, const fs::path& directory) {
  std::error_code failure;
  fs::path aside = directory;
  if (!is_aside(directory)) {
    aside = store / fmt::format("{}{}-discarded-{}", kAside, ::getpid(), directory.filename().string());
    fs::rename(directory, aside, failure);
  }
  if (!failure) fs::remove_all(aside, failure);
  if (failure)
    base::log_warn("cannot remove the old checkpoint {}: {}", directory.string(), failure.message());
}

void write_contents(const fs::path& directory, const Contents& contents) {
  const std::map<std::string, std::string> metadata = {{"step", std::to_string(contents.step)}};
  write_safetensors(directory / kWeightsFile, contents.weights, metadata);
  write_safetensors(directory / kOptimizerFile, contents.optimizer, metadata);
  base::write_file_durably(directory / kConfigFile, contents.config);
  Manifest manifest{contents.step, contents.ranks, contents.weight_hash, base::utc_stamp(), version(), {}};
  for (const char* name : {kWeightsFile, kOptimizerFile, kConfigFile})
    manifest.files.push_back(describe_file(directory / name));
  write_manifest(directory, manifest);
  base::sync_directory(directory);
}

void remove_all_but(const fs::path& store, std::int64_t keep) {
  std::vector<Listed> all = list(store);
  std::erase_if(all, [](const Listed& listed) { return !listed.manifest; });
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep) < all.size(); ++i)
    discard(store, all[i].directory);
}

void remove_leftovers(const fs::path& store) {
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(store, failure))
    if (is_aside(entry.path())) discard(store, entry.path());
}

}  // namespace

fs::path save(const fs::path& store, const Contents& contents, std::int64_t keep) {
  base::create_private_directories(store);
  remove_leftovers(store);
  fs::path target = store / directory_name(contents.step);
  const fs::path aside = store / fmt::format("{}{}-{}", kAside, ::getpid(), target.filename().string());
  try {
    base::create_private_directories(aside);
    write_contents(aside, contents);
    std::error_code ignored;
    if (fs::exists(target, ignored))
      discard(store, target);  // the same step again, after going back to an older one
    rename_or_throw(aside, target);
    base::sync_directory(store);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(aside, ignored);
    throw;
  }
  remove_all_but(store, keep);
  return target;
}

std::vector<Listed> list(const fs::path& store) {
  std::vector<std::pair<std::int64_t, fs::path>> steps;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(store, failure))
    if (const auto step = step_of(entry.path())) steps.emplace_back(*step, entry.path());
  std::sort(steps.begin(), steps.end());
  std::vector<Listed> all;
  for (const auto& [step, directory] : steps) {
    try {
      all.push_back({directory, read_manifest(directory), {}});
    } catch (const base::Error& error) {
      all.push_back({directory, std::nullopt, error.what()});
    }
  }
  return all;
}

std::optional<Found> newest(const fs::path& store) {
  std::vector<Listed> all = list(store);
  for (auto candidate = all.rbegin(); candidate != all.rend(); ++candidate) {
    try {
      if (!candidate->manifest) base::raise<base::DataError>("{}", candidate->problem);
      verify_files(candidate->directory, *candidate->manifest);
      return Found{candidate->directory, *candidate->manifest};
    } catch (const base::Error& error) {
      base::log_warn("passing over the checkpoint {}: {}", candidate->directory.string(), error.what());
    }
  }
  return std::nullopt;
}

Found find(const fs::path& path) {
  std::error_code failure;
  if (fs::exists(path / "manifest.json", failure)) {
    Manifest manifest = read_manifest(path);
    verify_files(path, manifest);
    return {path, std::move(manifest)};
  }
  for (const fs::path& store : {path, path / "checkpoints"})
    if (auto found = newest(store)) return *found;
  base::raise<base::DataError>(
      "{}: no complete checkpoint there; name a checkpoint (step-...), a folder of them or a run "
      "directory",
      path.string());
}

}  // namespace eightfold::runtime::checkpoint
