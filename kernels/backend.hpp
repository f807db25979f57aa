#pragma once

// The seam between the public headers of this folder and its two implementations, kernels/host/ and
// kernels/cuda/. Public functions choose by the device of their first argument; nothing above this folder
// includes this header.
//
// An operation `f` declared in a public header has two twins of the same type, host::f and cuda::f. They are
// declared by EIGHTFOLD_TWINS(f) in kernels/operations.hpp and called through dispatch() in operations.cpp.
// A build without CUDA simply lacks the second definition.

#include "kernels/base/error.hpp"
#include "kernels/buffer.hpp"
#include "kernels/device.hpp"
#include "kernels/stream.hpp"

#include <cstddef>
#include <utility>

namespace eightfold::kernels {

// Not inline: a test program may have objects of both kinds (tests/simt/CMakeLists.txt).
#ifdef EIGHTFOLD_WITH_CUDA
constexpr bool kWithCuda = true;
#else
constexpr bool kWithCuda = false;
#endif

// Memory, streams and events of one kind of device. Destroying functions never throw: they log.
class DeviceRuntime {
 public:
  virtual ~DeviceRuntime() = default;
  virtual int device_count() = 0;
  virtual void select_device(Device device) = 0;
  virtual std::string pci_address(Device device) = 0;
  virtual void* allocate(Device device, MemoryKind kind, std::size_t bytes) = 0;
  virtual void release(Device device, MemoryKind kind, void* data) noexcept = 0;
  virtual void* create_stream(Device device, Priority priority) = 0;
  virtual void destroy_stream(void* stream) noexcept = 0;
  virtual void synchronize_stream(void* stream) = 0;
  virtual void* create_event(Device device, EventKind kind) = 0;
  virtual void destroy_event(void* event) noexcept = 0;
  virtual void record_event(void* event, void* stream) = 0;
  virtual void wait_event(void* event, void* stream) = 0;
  virtual void synchronize_event(void* event) = 0;
  virtual bool is_reached(void* event) = 0;
  // Of two timed events, both reached.
  virtual double seconds_between(void* first, void* second) = 0;
  virtual void copy(void* stream, void* to, const void* from, std::size_t bytes) = 0;
};

namespace host {
DeviceRuntime& device_runtime();
}
namespace cuda {
DeviceRuntime& device_runtime();
}

inline Device device_of(StreamView stream) {
  return stream.device();
}
inline Device device_of(Device device) {
  return device;
}

// Calls kHost or kCuda with these arguments, by the device of the first.
template <auto kHost, auto kCuda, class Where, class... Arguments>
decltype(auto) dispatch(Where&& where, Arguments&&... arguments) {
  if (device_of(where).kind == DeviceKind::host) return kHost(where, std::forward<Arguments>(arguments)...);
  if constexpr (kWithCuda) {
    return kCuda(where, std::forward<Arguments>(arguments)...);
  } else {
    base::raise<base::EnvironmentError>(
        "{} was asked for, but this eightfold was built without CUDA; use --set job.device=host",
        to_string(device_of(where)));
  }
}

}  // namespace eightfold::kernels

#define EIGHTFOLD_TWINS(name)   \
  namespace host {              \
  decltype(kernels::name) name; \
  }                             \
  namespace cuda {              \
  decltype(kernels::name) name; \
  }
