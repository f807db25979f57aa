#include "runtime/health/sensor.hpp"

#include "kernels/base/log.hpp"

namespace eightfold::runtime::health {

Sensor::Sensor(kernels::Device device) : address_(kernels::pci_address(device)) {
  if (device.kind == kernels::DeviceKind::host) return;
  nvml_ = std::make_unique<Nvml>();
  if (!nvml_->source().loaded()) {
    base::log_info("health of {}: not known, {}", to_string(device), nvml_->source().problem);
  } else if (!nvml_->answers()) {
    base::log_info("health of {}: not known, NVML says: {}", to_string(device), nvml_->message());
  } else if (gpu_ = nvml_->gpu_at(address_); gpu_ == nullptr) {
    base::log_info("health of {}: not known, NVML has no GPU at {}", to_string(device), address_);
  }
}

GpuHealth Sensor::read() {
  return gpu_ != nullptr ? nvml_->health_of(gpu_) : GpuHealth{};
}

}  // namespace eightfold::runtime::health
