#include "runtime/doctor/network.hpp"

#include <set>
#include <sstream>

namespace eightfold::runtime::doctor {
namespace {

std::set<std::string> routed_interfaces(const Root& root) {
  std::istringstream text(root.read("/proc/net/route").value_or(""));
  std::set<std::string> names;
  std::string line, name;
  std::getline(text, line);  // the names of the columns
  while (std::getline(text, line))
    if (std::istringstream(line) >> name) names.insert(name);
  return names;
}

}  // namespace

std::vector<Interface> interfaces_of(const Root& root) {
  const std::set<std::string> routed = routed_interfaces(root);
  std::vector<Interface> interfaces;
  for (const std::string& name : root.list("/sys/class/net")) {
    if (name == "lo") continue;
    const std::filesystem::path path = std::filesystem::path("/sys/class/net") / name;
    Interface interface {
      name, path, root.read(path / "operstate").value_or("unknown"), root.exists(path / "bridge"),
          routed.contains(name), {}
    };
    // The kernel's word for "not known" is -1.
    if (const auto megabits = root.read_integer(path / "speed"); megabits && *megabits > 0)
      interface.rate_gbits = static_cast<double>(*megabits) / 1000;
    interfaces.push_back(interface);
  }
  return interfaces;
}

}  // namespace eightfold::runtime::doctor
