#include "runtime/health/nvml.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace eightfold::runtime::health {
namespace {

// nvmlClockType_t, nvmlTemperatureSensors_t
constexpr int kMultiprocessorClock = 1;
constexpr int kDieTemperature = 0;

struct PciInfo {
  char legacy_bus_id[16];
  unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
  char bus_id[32];
};

struct MemoryInfo {
  unsigned long long total, free, used;
};

// "00000000:1B:00.0" is "0000:1b:00.0" to the kernel.
std::string kernel_address(std::string bus_id) {
  for (char& letter : bus_id) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return bus_id.size() == 16 ? bus_id.substr(4) : bus_id;
}

struct ThrottleReason {
  std::uint64_t bit;
  std::string_view words;
};
constexpr std::array kThrottleReasons{
    ThrottleReason{0x4, "power cap"},           ThrottleReason{0x8, "hardware slowdown"},
    ThrottleReason{0x20, "too hot (software)"}, ThrottleReason{0x40, "too hot (hardware)"},
    ThrottleReason{0x80, "power brake"},
};

std::optional<double> watts(std::optional<unsigned> milliwatts) {
  if (!milliwatts) return std::nullopt;
  return 1e-3 * *milliwatts;
}

}  // namespace

std::vector<std::string_view> words_for(std::uint64_t throttle_reasons) {
  std::vector<std::string_view> words;
  for (const ThrottleReason& reason : kThrottleReasons)
    if ((throttle_reasons & reason.bit) != 0) words.push_back(reason.words);
  return words;
}

Nvml::Nvml(const std::string& file)
    : library_(file),
      start_(library_.needed<int()>("nvmlInit_v2")),
      stop_(library_.needed<int()>("nvmlShutdown")),
      words_(library_.needed<const char*(int)>("nvmlErrorString")),
      driver_(library_.needed<int(char*, unsigned)>("nvmlSystemGetDriverVersion")) {
  if (!source().loaded()) return;
  code_ = start_();
  message_ = words_(code_);
}

Nvml::~Nvml() {
  if (answers()) stop_();
}

std::string Nvml::driver() {
  std::array<char, 80> version{};
  return driver_(version.data(), static_cast<unsigned>(version.size())) == 0 ? version.data() : "";
}

std::vector<Nvml::Gpu> Nvml::gpus() {
  auto* const count_all = library_.optional<int(unsigned*)>("nvmlDeviceGetCount_v2");
  auto* const get = library_.optional<int(unsigned, Gpu*)>("nvmlDeviceGetHandleByIndex_v2");
  std::vector<Gpu> all;
  unsigned count = 0;
  if (count_all == nullptr || get == nullptr || count_all(&count) != 0) return all;
  for (unsigned index = 0; index < count; ++index)
    if (Gpu gpu = nullptr; get(index, &gpu) == 0) all.push_back(gpu);
  return all;
}

Nvml::Gpu Nvml::gpu_at(const std::string& address) {
  const std::vector<Gpu> all = gpus();
  const auto found = std::ranges::find(all, address, [this](Gpu gpu) { return address_of(gpu); });
  return found == all.end() ? nullptr : *found;
}

std::string Nvml::address_of(Gpu gpu) {
  const auto info = ask_record<PciInfo>("nvmlDeviceGetPciInfo_v3", gpu);
  return info ? kernel_address(info->bus_id) : std::string();
}

GpuHealth Nvml::health_of(Gpu gpu) {
  const auto memory = ask_record<MemoryInfo>("nvmlDeviceGetMemoryInfo", gpu);
  GpuHealth health;
  health.clock_mhz = ask<unsigned>("nvmlDeviceGetClockInfo", gpu, kMultiprocessorClock);
  health.max_clock_mhz = ask<unsigned>("nvmlDeviceGetMaxClockInfo", gpu, kMultiprocessorClock);
  health.temperature_c = ask<unsigned>("nvmlDeviceGetTemperature", gpu, kDieTemperature);
  health.power_w = watts(ask<unsigned>("nvmlDeviceGetPowerUsage", gpu));
  health.power_limit_w = watts(ask<unsigned>("nvmlDeviceGetEnforcedPowerLimit", gpu));
  if (memory) {
    health.memory_used_bytes = memory->used;
    health.memory_bytes = memory->total;
  }
  health.throttle_reasons = throttle_reasons(gpu);
  return health;
}

// Asked without room for an answer, NVML says how much it would take.
std::optional<unsigned> Nvml::compute_processes(Gpu gpu) {
  constexpr int kTooSmall = 7;
  auto* const count_all =
      library_.optional<int(Gpu, unsigned*, void*)>("nvmlDeviceGetComputeRunningProcesses");
  unsigned count = 0;
  if (count_all == nullptr) return std::nullopt;
  const int code = count_all(gpu, &count, nullptr);
  if (code != 0 && code != kTooSmall) return std::nullopt;
  return count;
}

std::optional<bool> Nvml::are_peers(Gpu one, Gpu other) {
  constexpr int kReading = 0, kSupported = 0;  // nvmlGpuP2PCapsIndex_t, nvmlGpuP2PStatus_t
  auto* const get = library_.optional<int(Gpu, Gpu, int, int*)>("nvmlDeviceGetP2PStatus");
  int status = 0;
  if (get == nullptr || get(one, other, kReading, &status) != 0) return std::nullopt;
  return status == kSupported;
}

// Newer drivers call reasons "event reasons"; the bits are the same.
std::optional<std::uint64_t> Nvml::throttle_reasons(Gpu gpu) {
  for (const char* name :
       {"nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"})
    if (const auto reasons = ask<unsigned long long>(name, gpu)) return *reasons;
  return std::nullopt;
}

template <class Value>
std::optional<Value> Nvml::ask(const char* function, Gpu gpu) {
  auto* const get = library_.optional<int(Gpu, Value*)>(function);
  Value value{};
  if (get == nullptr || get(gpu, &value) != 0) return std::nullopt;
  return value;
}

// A record is void* to the library: it cannot share a type with us.
template <class Record>
std::optional<Record> Nvml::ask_record(const char* function, Gpu gpu) {
  auto* const get = library_.optional<int(Gpu, void*)>(function);
  Record record{};
  if (get == nullptr || get(gpu, &record) != 0) return std::nullopt;
  return record;
}

template <class Value>
std::optional<Value> Nvml::ask(const char* function, Gpu gpu, int kind) {
  auto* const get = library_.optional<int(Gpu, int, Value*)>(function);
  Value value{};
  if (get == nullptr || get(gpu, kind, &value) != 0) return std::nullopt;
  return value;
}

}  // namespace eightfold::runtime::health
