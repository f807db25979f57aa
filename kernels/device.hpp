#pragma once

// The place of memory and work. A Device is a small value. A request for a kind that this build or machine
// lacks throws EnvironmentError with what is missing.

#include <cstdint>
#include <string>

namespace eightfold::kernels {

enum class DeviceKind { host, cuda };

struct Device {
  DeviceKind kind = DeviceKind::host;
  int index = 0;  // among the devices of its kind that this process sees

  friend bool operator==(const Device&, const Device&) = default;
};

// "host", "cuda:0".
std::string to_string(Device device);

// A GPU's PCI address, "0000:17:00.0": the same for every process that uses it, whichever number it has
// there. Empty for the host.
std::string pci_address(Device device);

// Devices of a kind that this process can use; 0 for cuda in a build without it. The host counts as one.
// Throws EnvironmentError if the machine has a GPU that cannot be used, as under a driver that is too old.
int device_count(DeviceKind kind);
// Every thread that works for a GPU, or hands its memory to a library, calls this first. CUDA gives a new
// thread the GPU 0, whatever other threads use. A call without a device among its arguments would make a
// context there: half a gigabyte on the GPU of another rank. Does nothing for the host.
void select_device(Device device);
// True if this build contains the backend at all.
bool is_built_with(DeviceKind kind);

// The version of the CUDA Toolkit that this build was made with, "13.0"; empty in one without it.
std::string cuda_toolkit();

// The library behind the heavy operations of the host, with its version: "oneDNN 2.6.3".
std::string host_library();

// Allows or forbids linear layers and convolutions planned from now on to round operands to TF32 (10 bits of
// mantissa) for a GPU's tensor cores. Off unless set; the host ignores it.
void set_tf32(bool is_allowed);
bool tf32();

// Counts since the program started; a training step in steady state adds nothing to either.
struct DeviceCounters {
  std::uint64_t allocations = 0;       // of device or pinned memory, by any thread
  std::uint64_t synchronizations = 0;  // the calling thread waiting for a stream or event of a device
};
DeviceCounters device_counters();

}  // namespace eightfold::kernels
