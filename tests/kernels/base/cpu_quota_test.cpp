#include "kernels/base/cpu_quota.hpp"

#include "tests/support/test.hpp"

#include <map>

using namespace eightfold;

namespace {

using Files = std::map<std::string, std::string>;

// "FILE cores" for each quota that is found in these files.
std::vector<std::string> quotas_in(const Files& files) {
  std::vector<std::string> found;
  for (const base::CpuQuota& quota : base::cpu_quotas([&](const auto& path) {
         const auto file = files.find(path.string());
         return file == files.end() ? std::nullopt : std::optional(file->second);
       }))
    found.push_back(fmt::format("{} {}", quota.file.string(), quota.cores));
  return found;
}
using Found = std::vector<std::string>;

const std::string kOtherMounts =
    "23 28 0:21 / /proc rw,nosuid,nodev shared:13 - proc proc rw\n"
    "26 28 0:24 / /dev/shm rw - tmpfs tmpfs rw\n"
    "nonsense\n";
const std::string kVersion2 =
    kOtherMounts + "30 23 0:26 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
const std::string kVersion1 =
    kOtherMounts +
    "31 25 0:26 / /sys/fs/cgroup/cpuset rw shared:9 - cgroup cgroup rw,cpuset\n"
    "32 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n";

}  // namespace

TEST_CASE("quotas of version 2 are those of the own group and of all above it") {
  const std::string top = "/sys/fs/cgroup/";
  Files files{{"/proc/self/mountinfo", kVersion2},
              {"/proc/self/cgroup", "0::/system.slice/job.service/rank\n"},
              {top + "system.slice/job.service/rank/cpu.max", "max 100000\n"},
              {top + "system.slice/job.service/cpu.max", "250000 100000\n"},
              {top + "system.slice/cpu.max", "50000 25000\n"},
              {top + "system.slice/other.service/cpu.max", "1000 100000\n"}};
  CHECK(quotas_in(files) ==
        Found{top + "system.slice/job.service/cpu.max 2.5", top + "system.slice/cpu.max 2"});
  files["/proc/self/cgroup"] = "0::/\n";
  CHECK(quotas_in(files).empty());      // the root has no such file
  files[top + "cpu.max"] = "100000\n";  // of a container that sees its own group as the root
  CHECK(quotas_in(files) == Found{top + "cpu.max 1"});
}

TEST_CASE("quotas of version 1 are in the hierarchy of the processors") {
  const std::string top = "/sys/fs/cgroup/cpu,cpuacct/", other = "/sys/fs/cgroup/cpuset/";
  Files files{
      {"/proc/self/mountinfo", kVersion1},
      {"/proc/self/cgroup", "5:cpuset:/elsewhere\n4:cpu,cpuacct:/docker/ab:cd\n1:name=systemd:/cpu\n"},
      {top + "cpu.cfs_quota_us", "-1\n"},
      {top + "cpu.cfs_period_us", "100000\n"},
      {top + "docker/cpu.cfs_quota_us", "30000\n"},
      {top + "docker/cpu.cfs_period_us", "20000\n"},
      {top + "docker/ab:cd/cpu.cfs_quota_us", "100000\n"},
      {other + "elsewhere/cpu.cfs_quota_us", "1\n"}};
  CHECK(quotas_in(files) == Found{top + "docker/ab:cd/cpu.cfs_quota_us 1",  // of the period that is usual
                                  top + "docker/cpu.cfs_quota_us 1.5"});
}

TEST_CASE("quotas are found where both versions are mounted") {
  Files files{{"/proc/self/mountinfo",
               kVersion1 + "33 25 0:28 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n"},
              {"/proc/self/cgroup", "4:cpu,cpuacct:/one\n0::/two\n"},
              {"/sys/fs/cgroup/cpu,cpuacct/one/cpu.cfs_quota_us", "150000\n"}};
  CHECK(quotas_in(files) == Found{"/sys/fs/cgroup/cpu,cpuacct/one/cpu.cfs_quota_us 1.5"});
}

TEST_CASE("a group is looked for below what is mounted of its hierarchy") {
  Files files{{"/proc/self/mountinfo", "30 23 0:26 /docker/7f /mnt/with\\040blank rw - cgroup2 cgroup2 rw\n"},
              {"/mnt/with blank/cpu.max", "100000 100000\n"},
              {"/mnt/with blank/rank/cpu.max", "50000 100000\n"}};
  files["/proc/self/cgroup"] = "0::/docker/7f\n";
  CHECK(quotas_in(files) == Found{"/mnt/with blank/cpu.max 1"});
  files["/proc/self/cgroup"] = "0::/docker/7f/rank\n";
  CHECK(quotas_in(files) == Found{"/mnt/with blank/rank/cpu.max 0.5", "/mnt/with blank/cpu.max 1"});
  for (const char* outside : {"0::/docker/7f9\n", "0::/../8a\n", "0::/\n"}) {
    files["/proc/self/cgroup"] = outside;
    CHECK(quotas_in(files) == Found{"/mnt/with blank/cpu.max 1"});
  }
}

TEST_CASE("what is missing or says no number is no quota") {
  CHECK(quotas_in({}).empty());
  CHECK(quotas_in({{"/proc/self/cgroup", "0::/a\n"}}).empty());
  CHECK(quotas_in({{"/proc/self/mountinfo", kVersion2}}).empty());
  for (const char* text : {"", "\n", "max", "x 100000", "-1 100000", "0 100000", "100000 0"})
    CHECK(quotas_in({{"/proc/self/mountinfo", kVersion2},
                     {"/proc/self/cgroup", "garbage\n0::/a\n"},
                     {"/sys/fs/cgroup/a/cpu.max", text}})
              .empty());
}

TEST_CASE("this machine's own quotas can be asked for") {
  for (const base::CpuQuota& quota : base::cpu_quotas()) CHECK(quota.cores > 0);
  CHECK_FALSE(base::read_text("/proc/self/no such file"));
  CHECK(base::read_text("/proc/self/status")->starts_with("Name:"));
}
