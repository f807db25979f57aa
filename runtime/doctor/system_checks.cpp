// The operating system around the ranks: shared memory, copies between processes, networks, cores, disk.
#include "kernels/base/cpu_quota.hpp"
#include "kernels/base/parse.hpp"
#include "runtime/doctor/check.hpp"
#include "runtime/doctor/limits.hpp"
#include "runtime/doctor/network.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <sstream>

namespace eightfold::runtime::doctor {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

// "k" after a number in the options of a mount means KiB.
std::optional<std::uint64_t> mount_size(const std::string& options) {
  std::istringstream text(options);
  for (std::string option; std::getline(text, option, ',');) {
    if (!option.starts_with("size=")) continue;
    std::string size = option.substr(5);
    if (size.ends_with('k')) size.replace(size.size() - 1, 1, "KiB");
    return base::parse_bytes(size);
  }
  return std::nullopt;
}

std::optional<std::string> options_of_mount(const Root& root, std::string_view where) {
  std::istringstream text(root.read("/proc/self/mounts").value_or(""));
  std::optional<std::string> found;  // the last one covers those before it
  for (std::string line; std::getline(text, line);) {
    std::string device, point, type, options;
    if (std::istringstream(line) >> device >> point >> type >> options && point == where) found = options;
  }
  return found;
}

Finding check_shared_memory(const Machine& machine) {
  if (!machine.root.exists("/proc/self/mounts"))
    return unknown({{"/proc/self/mounts", "not there"}}, "What is mounted cannot be read.", "df -h /dev/shm");
  const auto options = options_of_mount(machine.root, "/dev/shm");
  if (!options)
    return warn({{"/proc/self/mounts", "no /dev/shm"}},
                "Ranks of one node cannot share memory: they use sockets.",
                "sudo mount -t tmpfs tmpfs /dev/shm");
  const auto size = mount_size(*options);
  if (!size) return pass({{"/proc/self/mounts", "/dev/shm without a size: half of the memory"}});
  const Evidence fact{"/proc/self/mounts", "/dev/shm of " + base::format_bytes(*size)};
  if (*size >= kGiB) return pass({fact});
  return warn(
      {fact},
      "Every rank keeps buffers for its neighbours there; when it is full, ranks end with a bus error.",
      machine.in_container() ? "docker run --shm-size=8g ...   # or --ipc=host"
                             : "sudo mount -o remount,size=50% /dev/shm");
}

// Open MPI and UCX copy between ranks of a node in one step by process_vm_readv, which this setting guards.
Finding check_ptrace(const Machine& machine) {
  const char* const path = "/proc/sys/kernel/yama/ptrace_scope";
  const auto scope = machine.root.read_integer(path);
  if (has_capability(machine.root, Capability::sys_ptrace) == true)
    return pass({{"/proc/self/status", "CapEff with CAP_SYS_PTRACE"}});
  const Evidence fact{path, scope ? fmt::format("{}", *scope) : "not there"};
  const char* const consequence =
      "Messages between ranks of a node are copied twice, through shared memory; Open MPI may complain of "
      "\"Read -1, expected ..., errno = 1\".";
  if (machine.in_container())
    return warn(
        {fact, {"/proc/self/status", "CapEff without CAP_SYS_PTRACE"}}, consequence,
        "docker run --cap-add=SYS_PTRACE ...   # or export OMPI_MCA_btl_vader_single_copy_mechanism=none "
        "OMPI_MCA_smsc=^cma");
  if (!scope && !machine.kernel) return unknown({fact}, "The settings of the kernel cannot be read.");
  if (scope.value_or(0) == 0) return pass({fact});  // a kernel without Yama guards nothing
  return warn({fact}, consequence, "sudo sysctl kernel.yama.ptrace_scope=0");
}

std::string names_of(const std::vector<Interface>& interfaces) {
  std::vector<std::string> names;
  for (const Interface& interface : interfaces) names.push_back(interface.name);
  return fmt::format("{}", fmt::join(names, ","));
}

// Open MPI connects over every interface that is up; a bridge for containers or virtual machines has an
// address on every node, the same on all, and leads nowhere.
Finding check_interfaces(const Machine& machine) {
  if (!machine.root.exists("/proc/net/route"))
    return unknown({{"/proc/net/route", "not there"}}, "The routes cannot be read.", "ip route");
  std::vector<Interface> usable, bridges;
  std::vector<Evidence> evidence;
  for (const Interface& interface : interfaces_of(machine.root)) {
    if (!interface.routed) continue;
    (interface.bridge ? bridges : usable).push_back(interface);
    evidence.push_back({interface.path / "operstate",
                        interface.state + (interface.bridge ? ", a bridge with a route" : ", with a route")});
  }
  if (evidence.empty())
    return warn({{"/proc/net/route", "no interface"}}, "This node reaches no other: jobs must stay on it.",
                "ip route");
  const bool chosen = !machine.variable("OMPI_MCA_btl_tcp_if_include").empty() ||
                      !machine.variable("OMPI_MCA_btl_tcp_if_exclude").empty();
  if (bridges.empty() || chosen) return pass(evidence);
  const std::string names = usable.empty() ? "INTERFACE" : names_of(usable);
  return warn(
      evidence,
      fmt::format("Jobs on several nodes may hang at their start, connecting over {}.", names_of(bridges)),
      fmt::format("mpirun --mca btl_tcp_if_include {0} --mca oob_tcp_if_include {0} ...", names));
}

Finding check_cores(const Machine& machine) {
  const auto list = status_line(machine.root, "Cpus_allowed_list");
  const auto online = machine.root.read("/sys/devices/system/cpu/online");
  const auto allowed = list ? count_of_list(*list) : std::nullopt;
  const auto present = online ? count_of_list(*online) : std::nullopt;
  if (!allowed || !present)
    return unknown({}, "The kernel does not say which cores this process may use.", "nproc");
  const std::vector<Evidence> evidence{{"/proc/self/status", "Cpus_allowed_list " + *list},
                                       {"/sys/devices/system/cpu/online", *online}};
  if (*allowed > 1 || *present == 1) return pass(evidence);
  return warn(
      evidence,
      "The rank is bound to one core, on which its worker, its engine, its loader and the codec take turns.",
      "mpirun --bind-to none ...");
}

// Of the older drivers of the kernel, "powersave" stays at the lowest clock; of the newer ones it does not.
Finding check_governor(const Machine& machine) {
  const std::filesystem::path directory = "/sys/devices/system/cpu/cpu0/cpufreq";
  const auto governor = machine.root.read(directory / "scaling_governor");
  const auto driver = machine.root.read(directory / "scaling_driver").value_or("");
  if (!governor) return skip("the clock of the processor is not the kernel's to choose");
  const std::vector<Evidence> evidence{{directory / "scaling_governor", *governor},
                                       {directory / "scaling_driver", driver}};
  if (*governor != "powersave" || driver == "intel_pstate" || driver == "amd-pstate-epp")
    return pass(evidence);
  return warn(evidence,
              "The processor stays at its lowest clock: staging and the codec on the host are slow.",
              "sudo cpupower frequency-set -g performance");
}

// The quotas of the control groups that this process is in; docker, Kubernetes and systemd set them.
Finding check_container(const Machine& machine) {
  const auto cores = count_of_list(status_line(machine.root, "Cpus_allowed_list").value_or("none"));
  if (!machine.root.exists("/proc/self/cgroup") || !cores)
    return unknown({{"/proc/self/cgroup", machine.root.read("/proc/self/cgroup").value_or("not there")}},
                   "The limits of this process's control group cannot be read.", "nproc");
  const auto quotas = base::cpu_quotas([&](const auto& path) { return machine.root.read(path); });
  if (quotas.empty()) return pass({{"/proc/self/cgroup", "no group limits the time of its cores"}});
  const auto& least = *std::ranges::min_element(quotas, {}, &base::CpuQuota::cores);
  const Evidence fact{least.file, fmt::format("the time of {:.3g} cores", least.cores)};
  if (least.cores >= static_cast<double>(*cores)) return pass({fact});
  return warn(
      {fact},
      fmt::format("The ranks in this group share the time of {:.3g} of {} cores: they compute with as "
                  "few threads, and all stand still for a part of each 100 ms if job.threads says more.",
                  least.cores, *cores),
      "docker run --cpus=N ...   # or bind it to cores: --cpuset-cpus");
}

Finding check_disk(const Machine& machine) {
  const auto free = machine.free_bytes(machine.run_directory);
  if (!free) return skip("the free space of another machine's disks is not among its files");
  const std::string space =
      fmt::format("{:.1f} GiB free", static_cast<double>(*free) / static_cast<double>(kGiB));
  const std::vector<Evidence> evidence{{machine.run_directory.string(), space}};
  const std::string fix = "df -h " + machine.run_directory.string() + "   # or set job.run_dir";
  if (*free < kGiB / 4)
    return fail(evidence, "A job cannot write its checkpoints there and ends with code 3.", fix);
  if (*free < 10 * kGiB)
    return warn(evidence, "A few checkpoints of a large model fill it; a job that cannot write one ends.",
                fix);
  return pass(evidence);
}

constexpr std::array kChecks{
    Check{"shared-memory", check_shared_memory},
    Check{"ptrace", check_ptrace},
    Check{"interfaces", check_interfaces},
    Check{"cores", check_cores},
    Check{"governor", check_governor},
    Check{"container", check_container},
    Check{"disk", check_disk},
};

}  // namespace

std::span<const Check> system_checks() {
  return kChecks;
}

}  // namespace eightfold::runtime::doctor
