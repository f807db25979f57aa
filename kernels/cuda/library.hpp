#pragma once

// Wraps the C libraries of NVIDIA: owners of their handles, and one handle per device.

#include "kernels/cuda/cuda.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <type_traits>

namespace eightfold::kernels::cuda {

template <auto kDestroy>
struct Destroy {
  template <class Opaque>
  void operator()(Opaque* handle) const noexcept {
    kDestroy(handle);
  }
};
// Owns what `kDestroy` destroys.
template <class Handle, auto kDestroy>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy<kDestroy>>;

// A library's handle for each device, made with `create` when a device first asks. Handles are never
// destroyed: at exit the library may be gone before them.
template <class Handle>
class HandlePerDevice {
 public:
  template <class Create>
  Handle of(Device device, const Create& create) {
    const std::lock_guard lock(mutex_);
    Handle& handle = handles_[device.index];
    make_current(device);
    if (handle == nullptr) handle = create();
    return handle;
  }

 private:
  std::mutex mutex_;
  std::map<int, Handle> handles_;
};

}  // namespace eightfold::kernels::cuda
