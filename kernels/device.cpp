#include "kernels/device.hpp"

#include "kernels/backend.hpp"
#include "kernels/buffer.hpp"
#include "kernels/stream.hpp"

#include <atomic>

namespace eightfold::kernels {
namespace {

std::atomic<std::uint64_t> allocations{0};
thread_local std::uint64_t synchronizations = 0;
std::atomic<bool> is_tf32_allowed{false};

DeviceRuntime& device_runtime(Device device) {
  if (device.kind == DeviceKind::host) return host::device_runtime();
  if constexpr (kWithCuda) {
    return cuda::device_runtime();
  } else {
    base::raise<base::EnvironmentError>(
        "{} was asked for, but this eightfold was built without CUDA; use --set job.device=host",
        to_string(device));
  }
}

// The host's own work is inline: only waiting for another device is a synchronisation.
void count_synchronization(Device device) {
  if (device.kind != DeviceKind::host) ++synchronizations;
}

}  // namespace

std::string to_string(Device device) {
  return device.kind == DeviceKind::host ? "host" : fmt::format("cuda:{}", device.index);
}

bool is_built_with(DeviceKind kind) {
  return kind == DeviceKind::host || kWithCuda;
}

int device_count(DeviceKind kind) {
  return is_built_with(kind) ? device_runtime(Device{kind, 0}).device_count() : 0;
}

void select_device(Device device) {
  device_runtime(device).select_device(device);
}

std::string cuda_toolkit() {
#ifdef EIGHTFOLD_CUDA_TOOLKIT
  return EIGHTFOLD_CUDA_TOOLKIT;
#else
  return {};
#endif
}

std::string pci_address(Device device) {
  return device_runtime(device).pci_address(device);
}

void set_tf32(bool is_allowed) {
  is_tf32_allowed = is_allowed;
}

bool tf32() {
  return is_tf32_allowed;
}

DeviceCounters device_counters() {
  return {allocations, synchronizations};
}

void StreamView::synchronize() const {
  count_synchronization(device_);
  device_runtime(device_).synchronize_stream(handle_);
}

Stream::Stream(Device device, Priority priority)
    : device_(device), handle_(device_runtime(device).create_stream(device, priority)) {}
Stream::~Stream() {
  if (handle_ != nullptr) device_runtime(device_).destroy_stream(handle_);
}

Event::Event(Device device, EventKind kind)
    : device_(device), handle_(device_runtime(device).create_event(device, kind)) {}
Event::~Event() {
  if (handle_ != nullptr) device_runtime(device_).destroy_event(handle_);
}
void Event::record(StreamView stream) {
  device_runtime(device_).record_event(handle_, stream.handle());
}
void Event::wait(StreamView stream) const {
  device_runtime(device_).wait_event(handle_, stream.handle());
}
void Event::synchronize() const {
  count_synchronization(device_);
  device_runtime(device_).synchronize_event(handle_);
}
bool Event::is_reached() const {
  return device_runtime(device_).is_reached(handle_);
}
double Event::seconds_since(const Event& earlier) const {
  return device_runtime(device_).seconds_between(earlier.handle_, handle_);
}

Memory::Memory(Device device, MemoryKind kind, std::size_t bytes)
    : device_(device), kind_(kind), bytes_(bytes) {
  if (bytes == 0) return;
  data_ = device_runtime(device).allocate(device, kind, bytes);
  ++allocations;
}
Memory::~Memory() {
  if (data_ != nullptr) device_runtime(device_).release(device_, kind_, data_);
}

void copy(StreamView stream, ConstTensor from, Tensor to) {
  base::require(from.elements() == to.elements() && from.dtype() == to.dtype(), "copy of {} {} to {} {}",
                to_string(from.shape()), to_string(from.dtype()), to_string(to.shape()),
                to_string(to.dtype()));
  if (from.elements() > 0)
    device_runtime(stream.device()).copy(stream.handle(), to.data(), from.data(), from.bytes());
}

}  // namespace eightfold::kernels
