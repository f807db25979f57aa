#include "runtime/doctor/topology.hpp"

#include <algorithm>
#include <tuple>

namespace eightfold::runtime::doctor {
std::vector<std::string> bridges_above(const PciDevice& device) {
  std::vector<std::string> names;
  for (const auto& part : device.place) names.push_back(part.string());
  const auto host = std::ranges::find_if(names, [](const auto& name) { return name.starts_with("pci"); });
  return {host, names.end()};
}

std::string_view to_string(Distance distance) {
  switch (distance) {
    case Distance::pix:
      return "PIX";
    case Distance::pxb:
      return "PXB";
    case Distance::phb:
      return "PHB";
    case Distance::node:
      return "NODE";
    case Distance::sys:
      return "SYS";
    case Distance::unknown:
      return "unknown";
  }
  return {};
}

Distance distance_between(const PciDevice& one, const PciDevice& other) {
  const std::vector<std::string> a = bridges_above(one), b = bridges_above(other);
  const auto shared = std::ranges::mismatch(a, b).in1 - a.begin();
  if (shared == 0) {
    if (one.numa_node < 0 || other.numa_node < 0) return Distance::unknown;
    return one.numa_node == other.numa_node ? Distance::node : Distance::sys;
  }
  if (shared == 1) return Distance::phb;
  // Below the switch's upstream port, the last that they share, each has a downstream port and itself.
  constexpr std::ptrdiff_t kBelowOneSwitch = 2;
  const auto longest = static_cast<std::ptrdiff_t>(std::max(a.size(), b.size()));
  return longest - shared <= kBelowOneSwitch ? Distance::pix : Distance::pxb;
}

std::vector<Pair> nearest_nics(const Machine& machine) {
  std::vector<Pair> pairs;
  for (const PciDevice& gpu : machine.gpus) {
    std::vector<Pair> candidates;
    for (const Nic& nic : machine.nics)
      if (nic.rate_gbits() > 0) candidates.push_back({gpu, nic, distance_between(gpu, nic.device)});
    const auto nearest = std::ranges::min_element(
        candidates, {}, [](const Pair& pair) { return std::tuple(pair.distance, -pair.nic.rate_gbits()); });
    if (nearest != candidates.end()) pairs.push_back(*nearest);
  }
  return pairs;
}

}  // namespace eightfold::runtime::doctor
