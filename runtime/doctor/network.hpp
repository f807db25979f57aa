#pragma once

// The network interfaces of a machine, without its loopback.

#include "runtime/doctor/root.hpp"

namespace eightfold::runtime::doctor {

struct Interface {
  std::string name;                  // "eth0"
  std::filesystem::path path;        // "/sys/class/net/eth0"
  std::string state;                 // "up", "down", "unknown"
  bool bridge = false;               // between containers or virtual machines: docker0, virbr0
  bool routed = false;               // a route of /proc/net/route leads over it
  std::vector<std::string> subnets;  // that it leads to without a gateway: "10.0.1.0/24"; IPv4 only
  // 10^9 bits a second; nothing where it is not known. The kernel's rate of a virtual device, such as one end
  // of a veth, has no meaning. The exception is a device made of hardware devices, such as a bond.
  std::optional<double> rate_gbits;
};

std::vector<Interface> interfaces_of(const Root& root);

}  // namespace eightfold::runtime::doctor
