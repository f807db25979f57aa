#pragma once

// The CPU time that the kernel grants this process: the quotas of its control groups of version 1, version 2
// or both. Sources: cgroups(7); cpu.max in the kernel's cgroup-v2.rst, cpu.cfs_quota_us in its sched-bwc.rst.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace eightfold::base {

// The contents of a file of /proc or /sys; nothing where it cannot be read.
using TextReader = std::function<std::optional<std::string>(const std::filesystem::path&)>;
// Reads this machine's.
std::optional<std::string> read_text(const std::filesystem::path& path);

struct CpuQuota {
  double cores = 0;            // 1.5: three seconds of processors in every two
  std::filesystem::path file;  // the group's cpu.max or cpu.cfs_quota_us, as this process sees it

  // The directory of the group that it binds, with all groups below it.
  std::filesystem::path group() const { return file.parent_path(); }
};

// The quotas of this process's own group and of all above it that it sees: every one of them holds. A group
// without a limit has none, nor has one whose files cannot be read.
std::vector<CpuQuota> cpu_quotas(const TextReader& read = read_text);

}  // namespace eightfold::base
