#pragma once

// The distance of two PCI devices, from the names of the bridges above them.

#include "runtime/doctor/machine.hpp"

namespace eightfold::runtime::doctor {

// In the letters of `nvidia-smi topo -m`, nearest first.
enum class Distance {
  pix,      // below one PCIe switch
  pxb,      // below one root port, several switches between them
  phb,      // below one host bridge of the processor
  node,     // below different host bridges of one NUMA node
  sys,      // at different NUMA nodes: the way crosses the link between sockets
  unknown,  // different host bridges, and the kernel does not say of which nodes
};
std::string_view to_string(Distance distance);

// "pci0000:17", "0000:17:01.0", ...: the host bridge, the bridges below it, the device itself.
std::vector<std::string> bridges_above(const PciDevice& device);

Distance distance_between(const PciDevice& one, const PciDevice& other);

struct Pair {
  PciDevice gpu;
  Nic nic;
  Distance distance;
};
// For each GPU the nearest adapter with an active port, the fastest among equally near ones; no pair for a
// GPU if there is none.
std::vector<Pair> nearest_nics(const Machine& machine);

}  // namespace eightfold::runtime::doctor
