#pragma once

// The facts that several checks use: GPUs and network adapters with their places in the PCI tree, kernel,
// driver, and environment of the process. It also has the libraries to query for the rest.

#include "runtime/doctor/libraries.hpp"
#include "runtime/doctor/root.hpp"

#include <compare>
#include <functional>
#include <map>

namespace eightfold::runtime::doctor {

// The lanes of a PCIe device and the giga-transfers of each in a second, now and at best.
struct PcieLink {
  std::optional<double> speed_gts, max_speed_gts;
  std::optional<std::int64_t> width, max_width;

  // The greatest rate one way, in 10^9 bytes/s; nothing where the kernel does not say.
  std::optional<double> ceiling_gbytes_per_s() const;
};

struct PciDevice {
  std::filesystem::path path;   // "/sys/bus/pci/devices/0000:1b:00.0"
  std::filesystem::path place;  // the same with links followed: the bridges above it are in the name
  std::int64_t numa_node = -1;  // -1: the kernel does not say
  PcieLink link;

  std::string address() const { return path.filename().string(); }
};

struct Port {
  std::filesystem::path path;  // "/sys/class/infiniband/mlx5_0/ports/1"
  std::string state;           // "4: ACTIVE"
  std::string link_layer;      // "InfiniBand", "Ethernet"
  double rate_gbits = 0;       // 10^9 bits a second

  bool active() const { return state.ends_with("ACTIVE"); }
};

// An adapter that the kernel offers for RDMA.
struct Nic {
  std::string name;  // "mlx5_0"
  PciDevice device;
  std::vector<Port> ports;

  // The rate of its fastest active port; 0 without one.
  double rate_gbits() const;
};

struct KernelVersion {
  int major = 0, minor = 0;
  auto operator<=>(const KernelVersion&) const = default;
};

struct Machine {
  Root root;
  Libraries libraries;
  std::vector<PciDevice> gpus;
  std::vector<Nic> nics;
  // /proc/self/environ; nothing where it cannot be read.
  std::optional<std::map<std::string, std::string>> environment;
  std::optional<KernelVersion> kernel;
  // The bytes that a user may still write below a directory; nothing where that cannot be asked.
  std::function<std::optional<std::uint64_t>(const std::filesystem::path&)> free_bytes;
  std::filesystem::path run_directory = "runs";
  // True if this program can use GPUs; nothing for another machine, which may have another build.
  std::optional<bool> built_with_cuda = std::nullopt;
  // The CUDA Toolkit it was built with, "13.0"; empty for another machine, and without CUDA.
  std::string toolkit = {};

  // True if it has NVIDIA GPUs. Some sandboxes hide the bus: then the driver says so.
  bool has_gpus() const;
  // The value of a variable; empty if it is not set.
  std::string variable(const std::string& name) const;
  bool in_container() const;
  // True if the GPUs run under NVIDIA's open kernel modules; nothing without a driver.
  std::optional<bool> open_driver() const;
};

Machine look_at(const Root& root, Libraries libraries);

}  // namespace eightfold::runtime::doctor
