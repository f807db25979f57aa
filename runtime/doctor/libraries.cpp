#include "runtime/doctor/libraries.hpp"

#include "kernels/base/library.hpp"
#include "runtime/health/nvml.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

namespace eightfold::runtime::doctor {
namespace {

using base::Library;

// Handles and records are void* in all declarations: to C they are the same, and a library that is loaded
// cannot share a type with us.

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

// A driver that knows dma-buf refuses the file, one that does not refuses the question.
std::optional<bool> takes_dma_buf(Library& verbs, void* device) {
  auto* const open = verbs.optional<void*(void*)>("ibv_open_device");
  auto* const close = verbs.optional<int(void*)>("ibv_close_device");
  auto* const allocate = verbs.optional<void*(void*)>("ibv_alloc_pd");
  auto* const release = verbs.optional<int(void*)>("ibv_dealloc_pd");
  auto* const register_memory =
      verbs.optional<void*(void*, std::uint64_t, std::size_t, std::uint64_t, int, int)>("ibv_reg_dmabuf_mr");
  if (open == nullptr || close == nullptr || allocate == nullptr || release == nullptr) return std::nullopt;
  if (register_memory == nullptr) return false;  // libibverbs before 34
  void* const context = open(device);
  if (context == nullptr) return std::nullopt;
  std::optional<bool> answer;
  if (void* const domain = allocate(context); domain != nullptr) {
    constexpr int kNoFile = -1;
    errno = 0;
    register_memory(domain, 0, 0, 0, kNoFile, 0);
    if (errno == EBADF) answer = true;
    if (errno == EOPNOTSUPP || errno == EPROTONOSUPPORT) answer = false;
    release(domain);
  }
  close(context);
  return answer;
}

}  // namespace

std::string Libraries::file(const std::string& name) const {
  return where_ == Where::directory ? (directory_ / name).string() : name;
}

NvmlFacts Libraries::nvml() const {
  health::Nvml nvml(file("libnvidia-ml.so.1"));
  NvmlFacts facts{nvml.source(), nvml.code(), nvml.message(), {}, {}, {}};
  if (!nvml.answers()) return facts;
  facts.driver = nvml.driver();
  const std::vector<health::Nvml::Gpu> gpus = nvml.gpus();
  for (auto one = gpus.begin(); one != gpus.end(); ++one)
    for (auto other = one + 1; other != gpus.end(); ++other)
      if (const auto are_peers = nvml.are_peers(*one, *other))
        facts.peers.emplace_back(nvml.address_of(*one), nvml.address_of(*other), *are_peers);
  for (const health::Nvml::Gpu gpu : gpus)
    facts.gpus.push_back(
        {nvml.address_of(gpu), nvml.health_of(gpu).throttle_reasons, nvml.compute_processes(gpu)});
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
  for (int index = 0; index < count; ++index)
    facts.devices.push_back({name(devices[index]), takes_dma_buf(verbs, devices[index])});
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
