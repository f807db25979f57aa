#include "kernels/backend.hpp"
#include "kernels/base/clock.hpp"
#include "kernels/base/out_of_memory.hpp"
#include "kernels/host/dnnl.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

namespace eightfold::kernels::host {
namespace {

// Cache lines for SIMD. Whole pages for large memory, so that first touch places it near the thread. Huge
// pages for arenas and activations, which address translation would slow down.
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

constexpr std::size_t alignment_for(std::size_t bytes) {
  return bytes >= kHugePage ? kHugePage : bytes >= kPage ? kPage : kAlignment;
}

// Streams of the host carry nothing: work is done when it is enqueued. A timed event is the time of its last
// record.
class HostRuntime final : public DeviceRuntime {
 public:
  int device_count() override { return 1; }
  void select_device(Device) override {}
  std::string pci_address(Device) override { return {}; }

  void* allocate(Device, MemoryKind, std::size_t bytes) override {
    const std::size_t alignment = alignment_for(bytes);
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void* data = std::aligned_alloc(alignment, rounded);
    if (data == nullptr) base::raise<base::OutOfMemory>("out of host memory: {} bytes were asked for", bytes);
    if (alignment == kHugePage) ::madvise(data, rounded, MADV_HUGEPAGE);  // a hint: may be refused
    std::memset(data, 0, rounded);
    return data;
  }
  void release(Device, MemoryKind, void* data) noexcept override { std::free(data); }

  void* create_stream(Device, Priority) override { return nullptr; }
  void destroy_stream(void*) noexcept override {}
  void synchronize_stream(void*) override {}
  void* create_event(Device, EventKind kind) override {
    return kind == EventKind::timed ? new base::TimePoint : nullptr;
  }
  void destroy_event(void* event) noexcept override { delete static_cast<base::TimePoint*>(event); }
  void record_event(void* event, void*) override {
    if (event != nullptr) *static_cast<base::TimePoint*>(event) = base::Clock::now();
  }
  void wait_event(void*, void*) override {}
  void synchronize_event(void*) override {}
  bool is_reached(void*) override { return true; }
  double seconds_between(void* first, void* second) override {
    base::require(first != nullptr && second != nullptr, "time between events that are not timed");
    return base::seconds(*static_cast<base::TimePoint*>(second) - *static_cast<base::TimePoint*>(first));
  }
  void copy(void*, void* to, const void* from, std::size_t bytes) override { std::memcpy(to, from, bytes); }
};

}  // namespace

DeviceRuntime& device_runtime() {
  static HostRuntime runtime;
  return runtime;
}

}  // namespace eightfold::kernels::host

namespace eightfold::kernels {

std::string host_library() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
}

}  // namespace eightfold::kernels
