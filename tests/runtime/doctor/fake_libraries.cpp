// NVML, the CUDA driver, UCX, verbs and MPI in one library, as far as the doctor asks them. A node's
// directory of libraries has links to it under their names; the variables FAKE_* say what it answers.
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::string setting(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}

int number(const char* name, const char* otherwise) {
  return std::atoi(setting(name, otherwise).c_str());
}

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) all.push_back(word);
  return all;
}

// What a list handed out; lists live until the next one is asked for.
std::vector<std::string> names;
std::vector<void*> handles;

void** handles_of(const std::vector<std::string>& of) {
  names = of;
  handles.clear();
  for (std::string& name : names) handles.push_back(&name);
  handles.push_back(nullptr);
  return handles.data();
}

const std::string& name_of(void* handle) {
  return *static_cast<std::string*>(handle);
}

std::vector<std::string> gpus() {
  return words(setting("FAKE_GPUS", "00000000:1A:00.0 00000000:9A:00.0"));
}

struct PciInfo {
  char legacy_bus_id[16];
  unsigned numbers[5];
  char bus_id[32];
};

struct MemoryInfo {
  unsigned long long total, free, used;
};

struct ComponentAttributes {
  std::uint64_t field_mask;
  char name[16];
};

}  // namespace

extern "C" {

int nvmlInit_v2() {
  return number("FAKE_NVML_CODE", "0");
}
int nvmlShutdown() {
  return 0;
}
const char* nvmlErrorString(int code) {
  return code == 18 ? "Driver/library version mismatch" : "Success";
}
int nvmlSystemGetDriverVersion(char* text, unsigned size) {
  std::snprintf(text, size, "%s", "570.124.06");
  return 0;
}
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = static_cast<unsigned>(gpus().size());
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  *device = handles_of(gpus())[index];
  return 0;
}
int nvmlDeviceGetPciInfo_v3(void* device, void* info) {
  std::snprintf(static_cast<PciInfo*>(info)->bus_id, sizeof(PciInfo::bus_id), "%s", name_of(device).c_str());
  return 0;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void*, unsigned long long* reasons) {
  *reasons = static_cast<unsigned long long>(number("FAKE_THROTTLE", "1"));
  return 0;
}
int nvmlDeviceGetClockInfo(void*, int, unsigned* mhz) {
  *mhz = static_cast<unsigned>(number("FAKE_CLOCK", "1980"));
  return 0;
}
int nvmlDeviceGetMaxClockInfo(void*, int, unsigned* mhz) {
  *mhz = 1980;
  return 0;
}
int nvmlDeviceGetTemperature(void*, int, unsigned* celsius) {
  *celsius = static_cast<unsigned>(number("FAKE_TEMPERATURE", "61"));
  return 0;
}
int nvmlDeviceGetPowerUsage(void*, unsigned* milliwatts) {
  *milliwatts = 480'500;
  return number("FAKE_POWER_CODE", "0");
}
int nvmlDeviceGetEnforcedPowerLimit(void*, unsigned* milliwatts) {
  *milliwatts = 700'000;
  return number("FAKE_POWER_CODE", "0");
}
int nvmlDeviceGetMemoryInfo(void*, void* memory) {
  *static_cast<MemoryInfo*>(memory) = {140ULL << 30, 128ULL << 30, 12ULL << 30};
  return 0;
}
int nvmlDeviceGetP2PStatus(void*, void*, int, int* status) {
  *status = number("FAKE_P2P", "0");
  return 0;
}
int nvmlDeviceGetComputeRunningProcesses(void*, unsigned* count, void*) {
  *count = static_cast<unsigned>(number("FAKE_PROCESSES", "0"));
  return *count == 0 ? 0 : 7;
}

int cuDriverGetVersion(int* version) {
  *version = 12080;
  return 0;
}

const char* ucp_get_version_string() {
  static std::string version;
  version = setting("FAKE_UCX_VERSION", "1.18.0");
  if (version == "crash") std::raise(SIGSEGV);
  while (version == "hang") ::pause();
  return version.c_str();
}
int uct_query_components(void*** components, unsigned* count) {
  const auto all = words(setting("FAKE_UCX", "self tcp sysv posix cuda_cpy cuda_ipc ib rdmacm cma"));
  *components = handles_of(all);
  *count = static_cast<unsigned>(all.size());
  return 0;
}
int uct_component_query(void* component, void* attributes) {
  std::snprintf(static_cast<ComponentAttributes*>(attributes)->name, sizeof(ComponentAttributes::name), "%s",
                name_of(component).c_str());
  return 0;
}
void uct_release_component_list(void**) {}

void** ibv_get_device_list(int* count) {
  const auto all = words(setting("FAKE_VERBS", "mlx5_0 mlx5_1"));
  *count = static_cast<int>(all.size());
  return handles_of(all);
}
void ibv_free_device_list(void**) {}
const char* ibv_get_device_name(void* device) {
  return name_of(device).c_str();
}

void* ibv_open_device(void* device) {
  return device;
}
int ibv_close_device(void*) {
  return 0;
}
void* ibv_alloc_pd(void* context) {
  return context;
}
int ibv_dealloc_pd(void*) {
  return 0;
}
void* ibv_reg_dmabuf_mr(void*, std::uint64_t, std::size_t, std::uint64_t, int, int) {
  errno = number("FAKE_DMA_BUF", "9");  // EBADF
  return nullptr;
}

int MPI_Get_library_version(char* text, int* length) {
  const std::string version = setting("FAKE_MPI", "Open MPI v4.1.4, with CUDA");
  std::memcpy(text, version.c_str(), version.size() + 1);
  *length = static_cast<int>(version.size());
  return 0;
}
int MPIX_Query_cuda_support() {
  return number("FAKE_MPI_CUDA", "1");
}

}  // extern "C"
