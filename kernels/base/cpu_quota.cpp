#include "kernels/base/cpu_quota.hpp"

#include "kernels/base/parse.hpp"

#include <fstream>
#include <iterator>
#include <sstream>

namespace eightfold::base {
namespace {

namespace fs = std::filesystem;

constexpr double kDefaultPeriod = 100'000;  // microseconds

// A place where a hierarchy of control groups is mounted, and what of it is seen there.
struct Mount {
  fs::path root, point;
  bool is_version_2 = false;
};

bool is_listed(const std::string& list, std::string_view word) {
  std::istringstream text(list);
  for (std::string each; std::getline(text, each, ',');)
    if (each == word) return true;
  return false;
}

// mountinfo writes a blank, tab, line end or backslash in a path as a backslash and three octal digits.
std::string unescaped(const std::string& path) {
  std::string plain;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const std::string digits = path[i] == '\\' ? path.substr(i + 1, 3) : "";
    if (digits.size() == 3 && digits.find_first_not_of("01234567") == std::string::npos) {
      plain += static_cast<char>(std::stoi(digits, nullptr, 8));
      i += 3;
    } else {
      plain += path[i];
    }
  }
  return plain;
}

// Those with the controller of processors, or with all: lines of proc_pid_mountinfo(5).
std::vector<Mount> mounts_of(const std::string& mountinfo) {
  std::vector<Mount> mounts;
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t end_of_options = line.find(" - ");
    if (end_of_options == std::string::npos) continue;
    std::string id, parent, device, root, point, type, source, options;
    std::istringstream(line) >> id >> parent >> device >> root >> point;
    std::istringstream(line.substr(end_of_options + 3)) >> type >> source >> options;
    if (type == "cgroup2" || (type == "cgroup" && is_listed(options, "cpu")))
      mounts.push_back({unescaped(root), unescaped(point), type == "cgroup2"});
  }
  return mounts;
}

// The path of this process's group in its hierarchy, from a line "number:controllers:path".
std::optional<std::string> group_of(const std::string& groups, bool is_version_2) {
  std::istringstream lines(groups);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (is_version_2 ? line.starts_with("0:") && controllers.empty() : is_listed(controllers, "cpu"))
      return line.substr(second + 1);
  }
  return std::nullopt;
}

// Where the group is seen. A container may see its own group as the root, under whatever name /proc has for
// it: then what is mounted is that group.
fs::path directory_of(const Mount& mount, const std::string& group) {
  const std::string root = mount.root == "/" ? "" : mount.root.string();
  const bool is_seen = group.starts_with(root + "/") && group.find("/..") == std::string::npos;
  const std::string below = is_seen ? group.substr(root.size() + 1) : "";
  return below.empty() ? mount.point : mount.point / below;
}

std::optional<double> number_in(const std::optional<std::string>& text) {
  std::string word;
  if (!text || !(std::istringstream(*text) >> word)) return std::nullopt;
  return parse_real(word);
}

// Version 2 writes "quota period" or "max period".
std::optional<CpuQuota> quota_of_version_2(const fs::path& group, const TextReader& read) {
  const fs::path file = group / "cpu.max";
  const auto text = read(file);
  const auto quota = number_in(text);
  if (!quota) return std::nullopt;  // no such file, or "max"
  std::string first, second;
  std::istringstream(*text) >> first >> second;
  const double period = parse_real(second).value_or(kDefaultPeriod);
  return *quota > 0 && period > 0 ? std::optional<CpuQuota>({*quota / period, file}) : std::nullopt;
}

// Version 1 has a file for each, and -1 for no limit.
std::optional<CpuQuota> quota_of_version_1(const fs::path& group, const TextReader& read) {
  const fs::path file = group / "cpu.cfs_quota_us";
  const auto quota = number_in(read(file));
  const double period = number_in(read(group / "cpu.cfs_period_us")).value_or(kDefaultPeriod);
  return quota && *quota > 0 && period > 0 ? std::optional<CpuQuota>({*quota / period, file}) : std::nullopt;
}

}  // namespace

std::optional<std::string> read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  return file.bad() || !file.is_open() ? std::nullopt : std::optional(std::move(text));
}

// A group's quota holds for all groups below it, so every group from the process's own up to the mount is
// asked. A container does not see the groups above its mount, nor their quotas.
std::vector<CpuQuota> cpu_quotas(const TextReader& read) {
  std::vector<CpuQuota> quotas;
  const std::string groups = read("/proc/self/cgroup").value_or("");
  for (const Mount& mount : mounts_of(read("/proc/self/mountinfo").value_or(""))) {
    const auto group = group_of(groups, mount.is_version_2);
    if (!group) continue;
    const auto quota_of = mount.is_version_2 ? quota_of_version_2 : quota_of_version_1;
    for (fs::path directory = directory_of(mount, *group);; directory = directory.parent_path()) {
      if (auto quota = quota_of(directory, read)) quotas.push_back(std::move(*quota));
      // The root is its own parent: it ends the walk where the mount is not on the way.
      if (directory == mount.point || !directory.has_relative_path()) break;
    }
  }
  return quotas;
}

}  // namespace eightfold::base
