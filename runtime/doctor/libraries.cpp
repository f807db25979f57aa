#include "runtime/doctor/libraries.hpp"

#include "runtime/doctor/library.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

namespace eightfold::runtime::doctor {
namespace {

// Handles and records are void* in all declarations: to C they are the same, and a library that is loaded
// cannot share a type with us.

// ---- NVML ----

struct NvmlPciInfo {
  char legacy_bus_id[16];
  unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
  char bus_id[32];
};

// "00000000:1B:00.0" is "0000:1b:00.0" to the kernel.
std::string kernel_address(std::string bus_id) {
  for (char& letter : bus_id) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return bus_id.size() == 16 ? bus_id.substr(4) : bus_id;
}

std::optional<std::uint64_t> throttle_reasons(Library& nvml, void* device) {
  auto* const ask =
      nvml.optional<int(void*, unsigned long long*)>("nvmlDeviceGetCurrentClocksThrottleReasons");
  unsigned long long reasons = 0;
  if (ask == nullptr || ask(device, &reasons) != 0) return std::nullopt;
  return reasons;
}

// Asked without room for an answer, NVML says how much it would take.
std::optional<unsigned> compute_processes(Library& nvml, void* device) {
  constexpr int kTooSmall = 7;
  auto* const ask = nvml.optional<int(void*, unsigned*, void*)>("nvmlDeviceGetComputeRunningProcesses");
  unsigned count = 0;
  if (ask == nullptr) return std::nullopt;
  const int code = ask(device, &count, nullptr);
  if (code != 0 && code != kTooSmall) return std::nullopt;
  return count;
}

std::vector<NvmlGpu> nvml_gpus(Library& nvml) {
  auto* const count_devices = nvml.optional<int(unsigned*)>("nvmlDeviceGetCount_v2");
  auto* const device_of = nvml.optional<int(unsigned, void**)>("nvmlDeviceGetHandleByIndex_v2");
  auto* const pci_info_of = nvml.optional<int(void*, void*)>("nvmlDeviceGetPciInfo_v3");
  std::vector<NvmlGpu> gpus;
  unsigned count = 0;
  if (count_devices == nullptr || device_of == nullptr || pci_info_of == nullptr) return gpus;
  if (count_devices(&count) != 0) return gpus;
  for (unsigned index = 0; index < count; ++index) {
    void* device = nullptr;
    NvmlPciInfo info{};
    if (device_of(index, &device) != 0 || pci_info_of(device, &info) != 0) continue;
    gpus.push_back(
        {kernel_address(info.bus_id), throttle_reasons(nvml, device), compute_processes(nvml, device)});
  }
  return gpus;
}

// ---- UCX ----

struct UctComponentAttributes {
  std::uint64_t field_mask;
  char name[16];
  // Later versions may know more fields than this; they fill in only those of the mask.
  std::byte others[488];
};

constexpr std::uint64_t kUctComponentName = 1;

std::optional<std::vector<std::string>> uct_components(const std::string& file) {
  Library uct(file);
  auto* const list = uct.needed<int(void***, unsigned*)>("uct_query_components");
  auto* const release = uct.needed<void(void**)>("uct_release_component_list");
  auto* const describe = uct.needed<int(void*, void*)>("uct_component_query");
  void** components = nullptr;
  unsigned count = 0;
  if (!uct.source().loaded() || list(&components, &count) != 0) return std::nullopt;
  std::vector<std::string> names;
  for (unsigned index = 0; index < count; ++index) {
    UctComponentAttributes attributes{};
    attributes.field_mask = kUctComponentName;
    if (describe(components[index], &attributes) == 0) names.emplace_back(attributes.name);
  }
  release(components);
  return names;
}

}  // namespace

std::string Libraries::file(const std::string& name) const {
  return where_ == Where::directory ? (directory_ / name).string() : name;
}

NvmlFacts Libraries::nvml() const {
  Library nvml(file("libnvidia-ml.so.1"));
  NvmlFacts facts;
  auto* const init = nvml.needed<int()>("nvmlInit_v2");
  auto* const shutdown = nvml.needed<int()>("nvmlShutdown");
  auto* const words = nvml.needed<const char*(int)>("nvmlErrorString");
  auto* const driver = nvml.needed<int(char*, unsigned)>("nvmlSystemGetDriverVersion");
  facts.source = nvml.source();
  if (!facts.source.loaded()) return facts;
  facts.code = init();
  facts.message = words(facts.code);
  if (facts.code != 0) return facts;
  std::array<char, 80> version{};
  if (driver(version.data(), static_cast<unsigned>(version.size())) == 0) facts.driver = version.data();
  facts.gpus = nvml_gpus(nvml);
  shutdown();
  return facts;
}

CudaFacts Libraries::cuda() const {
  Library cuda(file("libcuda.so.1"));
  CudaFacts facts;
  auto* const version = cuda.needed<int(int*)>("cuDriverGetVersion");
  facts.source = cuda.source();
  if (facts.source.loaded()) version(&facts.version);
  return facts;
}

UcxFacts Libraries::ucx() const {
  Library ucp(file("libucp.so.0"));
  UcxFacts facts;
  auto* const version = ucp.needed<const char*()>("ucp_get_version_string");
  facts.source = ucp.source();
  if (!facts.source.loaded()) return facts;
  facts.version = version();
  facts.components = uct_components(file("libuct.so.0"));
  return facts;
}

VerbsFacts Libraries::verbs() const {
  Library verbs(file("libibverbs.so.1"));
  VerbsFacts facts;
  auto* const list = verbs.needed<void**(int*)>("ibv_get_device_list");
  auto* const release = verbs.needed<void(void**)>("ibv_free_device_list");
  auto* const name = verbs.needed<const char*(void*)>("ibv_get_device_name");
  facts.source = verbs.source();
  if (!facts.source.loaded()) return facts;
  int count = 0;
  void** const devices = list(&count);
  if (devices == nullptr) return facts;
  for (int index = 0; index < count; ++index) facts.devices.emplace_back(name(devices[index]));
  release(devices);
  return facts;
}

MpiFacts Libraries::mpi() const {
  // The one this program is linked to; both functions may be called before MPI is started.
  Library mpi(where_ == Where::directory ? file("libmpi.so") : std::string());
  MpiFacts facts;
  auto* const version = mpi.needed<int(char*, int*)>("MPI_Get_library_version");
  auto* const claims_cuda = mpi.optional<int()>("MPIX_Query_cuda_support");
  facts.source = mpi.source();
  if (!facts.source.loaded()) return facts;
  std::array<char, 16384> text{};  // MPICH writes up to 8191
  int length = 0;
  if (version(text.data(), &length) == 0) facts.version = text.data();
  facts.version.erase(std::min(facts.version.find('\n'), facts.version.size()));
  if (claims_cuda != nullptr) facts.claims_cuda = claims_cuda() != 0;
  return facts;
}

}  // namespace eightfold::runtime::doctor
