#include "runtime/doctor/network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <sstream>
#include <string_view>

namespace eightfold::runtime::doctor {
namespace {

// A line of /proc/net/route. Its numbers are the four bytes of an address as this processor keeps them.
struct Route {
  std::string interface;
  std::uint32_t destination = 0, gateway = 0, mask = 0;

  bool is_direct() const { return gateway == 0 && mask != 0; }
  std::string subnet() const {
    std::array<unsigned char, 4> part{};
    std::memcpy(part.data(), &destination, part.size());
    return fmt::format("{}.{}.{}.{}/{}", part[0], part[1], part[2], part[3], std::popcount(mask));
  }
};

std::vector<Route> routes_of(const Root& root) {
  std::istringstream text(root.read("/proc/net/route").value_or(""));
  std::vector<Route> routes;
  std::string line;
  std::getline(text, line);  // the names of the columns
  while (std::getline(text, line)) {
    Route route;
    std::string flags, references, uses, metric;
    if (std::istringstream(line) >> route.interface >> std::hex >> route.destination >> route.gateway >>
        flags >> references >> uses >> metric >> route.mask)
      routes.push_back(route);
  }
  return routes;
}

// Whether a device is hardware, or a bond or VLAN on devices of which each is. The kernel links to what is
// below a device.
bool is_hardware(const Root& root, const std::string& name, int depth = 0) {
  constexpr int kDeepest = 8;
  const std::filesystem::path path = std::filesystem::path("/sys/class/net") / name;
  if (root.resolve(path).string().find("/devices/virtual/") == std::string::npos) return true;
  constexpr std::string_view kBelow = "lower_";
  std::vector<std::string> below = root.list(path);
  std::erase_if(below, [&](const std::string& entry) { return !entry.starts_with(kBelow); });
  return depth < kDeepest && !below.empty() && std::ranges::all_of(below, [&](const std::string& entry) {
           return is_hardware(root, entry.substr(kBelow.size()), depth + 1);
         });
}

}  // namespace

std::vector<Interface> interfaces_of(const Root& root) {
  const std::vector<Route> routes = routes_of(root);
  std::vector<Interface> interfaces;
  for (const std::string& name : root.list("/sys/class/net")) {
    if (name == "lo") continue;
    const std::filesystem::path path = std::filesystem::path("/sys/class/net") / name;
    Interface interface {
      name, path, root.read(path / "operstate").value_or("unknown"), root.exists(path / "bridge"), false, {},
      {}
    };
    for (const Route& route : routes) {
      if (route.interface != name) continue;
      interface.routed = true;
      if (route.is_direct()) interface.subnets.push_back(route.subnet());
    }
    // The kernel's word for "not known" is -1.
    const auto megabits = root.read_integer(path / "speed");
    if (megabits && *megabits > 0 && is_hardware(root, name))
      interface.rate_gbits = static_cast<double>(*megabits) / 1000;
    interfaces.push_back(interface);
  }
  return interfaces;
}

}  // namespace eightfold::runtime::doctor
