#include "runtime/doctor/network.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>
#include <sstream>

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
    if (const auto megabits = root.read_integer(path / "speed"); megabits && *megabits > 0)
      interface.rate_gbits = static_cast<double>(*megabits) / 1000;
    interfaces.push_back(interface);
  }
  return interfaces;
}

}  // namespace eightfold::runtime::doctor
