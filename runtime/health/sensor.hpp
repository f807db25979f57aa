#pragma once

// The GPU of this rank, asked for its health.

#include "kernels/device.hpp"
#include "runtime/health/nvml.hpp"

#include <memory>

namespace eightfold::runtime::health {

class Sensor {
 public:
  // Finds the device in NVML by its place on the PCI bus: CUDA and NVML number GPUs differently. Says in the
  // log why nothing will be known of it.
  explicit Sensor(kernels::Device device);

  // Takes a few milliseconds. On the host it gives nothing.
  GpuHealth read();
  // "0000:1a:00.0"; empty for the host.
  const std::string& address() const noexcept { return address_; }

 private:
  std::string address_;
  std::unique_ptr<Nvml> nvml_;  // null for the host
  Nvml::Gpu gpu_ = nullptr;     // null if NVML does not know it
};

}  // namespace eightfold::runtime::health
