#include "runtime/checkpoint/install.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/log.hpp"
#include "runtime/checkpoint/store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <vector>

namespace eightfold::runtime::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kAside = ".tmp-";
constexpr std::string_view kReplaced = "replaced";

bool is_aside(const fs::path& path) {
  return path.filename().string().starts_with(kAside);
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

void rename_or_throw(const fs::path& from, const fs::path& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0)
    base::raise<base::EnvironmentError>("cannot rename {} to {}: {}", from.string(), to.string(),
                                        std::strerror(errno));
}

// Both have their names at any moment, where the file system can do that.
bool exchange_names(const fs::path& one, const fs::path& other) {
  return ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0;
}

// Gives a finished directory the name of a checkpoint, which gets that of the directory and goes.
bool replace_at_once(const fs::path& aside, const fs::path& target) {
  // A file system without this call answers with an error. install() then moves the old checkpoint aside
  // first, and restore_replaced() puts right what a crash in between leaves.
  if (!exchange_names(aside, target)) return false;
  try {
    base::sync_directory(target.parent_path());
  } catch (...) {
    // The caller reports a failed write, so the name must again be that of the older checkpoint.
    exchange_names(aside, target);
    throw;
  }
  discard(target.parent_path(), aside);
  return true;
}

std::vector<fs::path> leftovers_in(const fs::path& store) {
  std::error_code failure;
  std::vector<fs::path> leftovers;
  for (fs::directory_iterator entry(store, failure); entry != fs::directory_iterator();
       entry.increment(failure))
    if (is_aside(entry->path())) leftovers.push_back(entry->path());
  return leftovers;
}

// The step of a complete checkpoint; nothing for anything else.
std::optional<std::int64_t> complete_step(const fs::path& directory) {
  try {
    const Manifest manifest = read_manifest(directory);
    verify(directory, manifest);
    return manifest.step;
  } catch (const base::Error&) {
    return std::nullopt;
  }
}

// True if the checkpoint that `aside` holds has its name now, or another one has it.
bool restore(const fs::path& store, const fs::path& aside) {
  std::error_code failure;
  if (!fs::is_directory(fs::symlink_status(aside, failure))) return false;
  const std::optional<std::int64_t> step = complete_step(aside);
  if (!step) return false;
  const fs::path target = store / directory_name(*step);
  if (is_there(target)) return true;
  fs::rename(aside, target, failure);
  if (failure) {
    base::log_warn("cannot rename {} to {}: {}", aside.string(), target.string(), failure.message());
    return false;
  }
  base::log_warn("{} was being replaced when its writer ended: {} has its name again", target.string(),
                 aside.filename().string());
  return true;
}

}  // namespace

std::string directory_name(std::int64_t step) {
  return fmt::format("step-{:08}", step);
}

fs::path path_aside(const fs::path& store, std::string_view name) {
  return store / fmt::format("{}{}-{}", kAside, ::getpid(), name);
}

// Renamed aside first, so that a crash half-way leaves no checkpoint with files missing.
void discard(const fs::path& store, const fs::path& directory) {
  std::error_code failure;
  fs::path aside = directory;
  if (!is_aside(directory)) {
    aside = path_aside(store, fmt::format("discarded-{}", directory.filename().string()));
    fs::rename(directory, aside, failure);
  }
  if (!failure) fs::remove_all(aside, failure);
  if (failure)
    base::log_warn("cannot remove the old checkpoint {}: {}", directory.string(), failure.message());
}

void install(const fs::path& aside, const fs::path& target) {
  const fs::path old = path_aside(target.parent_path(), kReplaced);
  const bool replaces = is_there(target);
  if (replaces && replace_at_once(aside, target)) return;
  if (replaces) rename_or_throw(target, old);
  try {
    rename_or_throw(aside, target);
    base::sync_directory(target.parent_path());
  } catch (...) {
    std::error_code ignored;
    if (replaces) fs::rename(old, target, ignored);
    throw;
  }
  if (replaces) discard(target.parent_path(), old);
}

// Of a writer that ended in between, `.tmp-PID-replaced` and `.tmp-PID-step-...` lie aside. The newer one is
// wanted, unless it is not whole. Only a replaced checkpoint shows that it was whole: a draft alone may be
// that of a process that had lost the store.
void restore_replaced(const fs::path& store) {
  const std::vector<fs::path> leftovers = leftovers_in(store);
  for (const fs::path& replaced : leftovers) {
    const std::string name = replaced.filename().string();
    if (!name.ends_with(fmt::format("-{}", kReplaced))) continue;
    const std::string draft = name.substr(0, name.size() - kReplaced.size()) + std::string("step-");
    bool is_restored = false;
    for (const fs::path& each : leftovers)
      if (each.filename().string().starts_with(draft)) is_restored = is_restored || restore(store, each);
    if (!is_restored) restore(store, replaced);
  }
}

void remove_leftovers(const fs::path& store) {
  restore_replaced(store);
  for (const fs::path& leftover : leftovers_in(store)) discard(store, leftover);
}

}  // namespace eightfold::runtime::checkpoint
