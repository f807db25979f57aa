// The driver: is it there, do its parts fit together, and what are the GPUs doing under it?
#include "kernels/base/parse.hpp"
#include "runtime/doctor/check.hpp"
#include "runtime/health/nvml.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

namespace eightfold::runtime::doctor {
namespace {

constexpr const char* kDriverVersion = "/proc/driver/nvidia/version";
constexpr const char* kModuleVersion = "/sys/module/nvidia/version";
constexpr const char* kNoGpu = "no NVIDIA GPU on the PCI bus";
constexpr const char* kForeign = "libraries of another machine are not loaded; run the doctor there";

std::string gpu_count(const Machine& machine) {
  return fmt::format("{} of NVIDIA", machine.gpus.size());
}

Finding check_driver(const Machine& machine) {
  if (!machine.has_gpus()) return skip(kNoGpu);
  const Evidence bus{"/sys/bus/pci/devices", gpu_count(machine)};
  const auto banner = machine.root.read(kDriverVersion);
  if (!banner)
    return fail({bus, {kDriverVersion, "not there"}},
                "The GPUs have no driver: jobs run on the host, `device = \"cuda\"` ends with code 3.",
                "sudo modprobe nvidia");
  return pass({bus,
               {kModuleVersion, machine.root.read(kModuleVersion).value_or("not there")},
               {kDriverVersion, *machine.open_driver() ? "open kernel modules" : "closed kernel modules"}});
}

Finding check_driver_libraries(const Machine& machine) {
  if (!machine.has_gpus()) return skip(kNoGpu);
  if (!machine.libraries.askable()) return skip(kForeign);
  constexpr int kMismatch = 18;
  const NvmlFacts nvml = machine.libraries.nvml();
  if (!nvml.source.loaded())
    return fail({{"libnvidia-ml.so.1", nvml.source.problem}},
                "The driver's libraries do not load: no CUDA program can start here.",
                "cat /proc/driver/nvidia/version   # install the libraries of this version; docker run "
                "--gpus all ...");
  const Evidence library{nvml.source.path + ": nvmlInit_v2", nvml.message};
  const Evidence module{kModuleVersion, machine.root.read(kModuleVersion).value_or("not there")};
  if (nvml.code == kMismatch)
    return fail(
        {library, module},
        "The driver's libraries were upgraded while the old module stayed loaded: every CUDA call fails.",
        "sudo reboot");
  if (nvml.code != 0)
    return fail({library, module}, "The driver does not answer: no CUDA program can start here.",
                "nvidia-smi");
  return pass({{nvml.source.path + ": nvmlSystemGetDriverVersion", nvml.driver}, module});
}

Finding check_cuda_driver(const Machine& machine) {
  if (!machine.has_gpus()) return skip(kNoGpu);
  if (!machine.libraries.askable()) return skip(kForeign);
  const CudaFacts cuda = machine.libraries.cuda();
  if (!cuda.source.loaded())
    return fail({{"libcuda.so.1", cuda.source.problem}},
                "CUDA's driver library does not load: jobs see no GPU.",
                "cat /proc/driver/nvidia/version   # install the libraries of this version; docker run "
                "--gpus all ...");
  const int major = cuda.version / 1000;
  const std::string version = fmt::format("{}.{}", major, cuda.version % 1000 / 10);
  std::vector<Evidence> evidence{{cuda.source.path + ": cuDriverGetVersion", version}};
  if (machine.toolkit.empty()) return pass(evidence);
  evidence.push_back({"eightfold's CUDA Toolkit", machine.toolkit});
  // Within one major version a newer toolkit's programs run under an older driver.
  if (base::parse_integer(machine.toolkit.substr(0, machine.toolkit.find('.'))).value_or(0) <= major)
    return pass(evidence);
  return fail(
      evidence,
      "The driver is older than the toolkit this program was built with: jobs end with code 3, unless "
      "`device = \"host\"`.",
      "sudo apt-get install cuda-drivers   # or build with the toolkit of the driver's version");
}

Finding check_gpu_clocks(const Machine& machine) {
  if (!machine.has_gpus()) return skip(kNoGpu);
  if (!machine.libraries.askable()) return skip(kForeign);
  std::vector<Evidence> all, slow;
  for (const NvmlGpu& gpu : machine.libraries.nvml().gpus) {
    if (!gpu.throttle_reasons) continue;
    const std::vector<std::string_view> words = health::words_for(*gpu.throttle_reasons);
    const Evidence fact{gpu.address + ": nvmlDeviceGetCurrentClocksThrottleReasons",
                        words.empty() ? "none" : fmt::format("{}", fmt::join(words, ", "))};
    (words.empty() ? all : slow).push_back(fact);
  }
  if (!slow.empty())
    return warn(slow, "A slowed GPU slows all ranks: each step takes as long as on the slowest one.",
                "nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER");
  return all.empty() ? unknown({}, "NVML does not say why clocks are reduced.") : pass(all);
}

Finding check_gpu_processes(const Machine& machine) {
  if (!machine.has_gpus()) return skip(kNoGpu);
  if (!machine.libraries.askable()) return skip(kForeign);
  std::vector<Evidence> idle, used;
  for (const NvmlGpu& gpu : machine.libraries.nvml().gpus)
    if (gpu.compute_processes)
      (*gpu.compute_processes == 0 ? idle : used)
          .push_back({gpu.address + ": nvmlDeviceGetComputeRunningProcesses",
                      fmt::format("{}", *gpu.compute_processes)});
  if (!used.empty())
    return warn(used,
                "Somebody computes there already, perhaps what was left of a killed job: memory may not "
                "suffice and all ranks wait for the one that shares its GPU.",
                "nvidia-smi --query-compute-apps=pid,name,used_memory --format=csv");
  return idle.empty() ? unknown({}, "NVML does not say who uses the GPUs.") : pass(idle);
}

Finding check_gpu_peers(const Machine& machine) {
  if (!machine.has_gpus()) return skip(kNoGpu);
  if (!machine.libraries.askable()) return skip(kForeign);
  const NvmlFacts nvml = machine.libraries.nvml();
  if (nvml.gpus.size() == 1) return skip("one GPU");
  std::vector<Evidence> reachable, apart;
  for (const auto& [one, other, are_peers] : nvml.peers)
    (are_peers ? reachable : apart)
        .push_back(
            {fmt::format("{}, {}: nvmlDeviceGetP2PStatus", one, other), are_peers ? "peers" : "no peers"});
  if (!apart.empty())
    return warn(
        apart,
        "These GPUs do not read each other's memory: gradients between their ranks take the way through "
        "the host, on one node too.",
        "nvidia-smi topo -p2p r");
  return reachable.empty() ? unknown({}, "NVML does not say which GPUs reach each other.") : pass(reachable);
}

constexpr std::array kChecks{
    Check{"driver", check_driver, SeenEverywhere::alike},
    Check{"driver-libraries", check_driver_libraries, SeenEverywhere::alike},
    Check{"cuda-driver", check_cuda_driver, SeenEverywhere::alike},
    Check{"gpu-clocks", check_gpu_clocks},
    Check{"gpu-processes", check_gpu_processes},
    Check{"gpu-peers", check_gpu_peers},
};

}  // namespace

std::span<const Check> driver_checks() {
  return kChecks;
}

}  // namespace eightfold::runtime::doctor
