#pragma once

// Telling a machine without a GPU from one whose GPU cannot be used. The first trains on the host. The second
// must not do so silently: somebody counts on the GPU.

#include <optional>
#include <string>

namespace eightfold::kernels::cuda {

// Why CUDA sees no device.
enum class Obstacle {
  no_device,   // a driver, and nothing for it to drive
  old_driver,  // a driver that is older than the runtime, or none
  other
};

struct GpuSearch {
  Obstacle obstacle = Obstacle::no_device;
  std::string reason;            // CUDA's words for it
  int driver_version = 0;        // the CUDA version that the driver supports, 12040 for 12.4; 0: no driver
  int runtime_version = 0;       // that of the runtime in this program
  bool has_device_file = false;  // the kernel's driver offers a GPU: /dev/nvidia0
  std::optional<std::string> visible;  // CUDA_VISIBLE_DEVICES, which may hide all GPUs
};

// Returns if there is no GPU, or the user hides it. Throws EnvironmentError, with both versions, if there is
// one that this program cannot use.
void require_absent(const GpuSearch& search);

}  // namespace eightfold::kernels::cuda
