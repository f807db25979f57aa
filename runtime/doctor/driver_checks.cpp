// The driver: is it there, do its parts fit together, and what are the GPUs doing under it?
#include "runtime/doctor/check.hpp"

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
  const std::string version = fmt::format("{}.{}", cuda.version / 1000, cuda.version % 1000 / 10);
  return pass({{cuda.source.path + ": cuDriverGetVersion", version}});
}

// nvmlClocksThrottleReason*, those that cost speed although the GPU has work.
struct ThrottleReason {
  std::uint64_t bit;
  const char* words;
};
constexpr std::array kThrottleReasons{
    ThrottleReason{0x4, "power cap"},           ThrottleReason{0x8, "hardware slowdown"},
    ThrottleReason{0x20, "too hot (software)"}, ThrottleReason{0x40, "too hot (hardware)"},
    ThrottleReason{0x80, "power brake"},
};

std::vector<std::string> words_for(std::uint64_t reasons) {
  std::vector<std::string> words;
  for (const ThrottleReason& reason : kThrottleReasons)
    if ((reasons & reason.bit) != 0) words.emplace_back(reason.words);
  return words;
}

Finding check_gpu_clocks(const Machine& machine) {
  if (!machine.has_gpus()) return skip(kNoGpu);
  if (!machine.libraries.askable()) return skip(kForeign);
  std::vector<Evidence> all, slow;
  for (const NvmlGpu& gpu : machine.libraries.nvml().gpus) {
    if (!gpu.throttle_reasons) continue;
    const std::vector<std::string> words = words_for(*gpu.throttle_reasons);
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

constexpr std::array kChecks{
    Check{"driver", check_driver},
    Check{"driver-libraries", check_driver_libraries},
    Check{"cuda-driver", check_cuda_driver},
    Check{"gpu-clocks", check_gpu_clocks},
    Check{"gpu-processes", check_gpu_processes},
};

}  // namespace

std::span<const Check> driver_checks() {
  return kChecks;
}

}  // namespace eightfold::runtime::doctor
