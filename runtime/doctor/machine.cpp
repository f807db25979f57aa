#include "runtime/doctor/machine.hpp"

#include "kernels/base/parse.hpp"
#include "kernels/device.hpp"

#include <algorithm>
#include <sstream>

namespace eightfold::runtime::doctor {
namespace {

namespace fs = std::filesystem;

const fs::path kPciDevices = "/sys/bus/pci/devices";
const fs::path kDriverBanner = "/proc/driver/nvidia/version";
const fs::path kRdmaDevices = "/sys/class/infiniband";

// The number that a text begins with: "32.0 GT/s PCIe", "400 Gb/sec (4X NDR)".
std::optional<double> leading_number(const std::optional<std::string>& text) {
  return text ? base::parse_real(text->substr(0, text->find(' '))) : std::nullopt;
}

// A width of 0 or 255 is the kernel's word for a link that does not exist, such as a virtual function's.
std::optional<std::int64_t> lanes(const Root& root, const fs::path& path) {
  const auto width = root.read_integer(path);
  return width && *width > 0 && *width < 64 ? width : std::nullopt;
}

PciDevice pci_device(const Root& root, const fs::path& path) {
  return {path,
          root.resolve(path),
          root.read_integer(path / "numa_node").value_or(-1),
          {leading_number(root.read(path / "current_link_speed")),
           leading_number(root.read(path / "max_link_speed")), lanes(root, path / "current_link_width"),
           lanes(root, path / "max_link_width")}};
}

std::vector<PciDevice> find_gpus(const Root& root) {
  std::vector<PciDevice> gpus;
  for (const std::string& address : root.list(kPciDevices)) {
    const fs::path path = kPciDevices / address;
    const std::string kind = root.read(path / "class").value_or("");
    const bool computes = kind.starts_with("0x0302") || kind.starts_with("0x0300");  // 3D or VGA controller
    if (computes && root.read(path / "vendor") == "0x10de") gpus.push_back(pci_device(root, path));
  }
  return gpus;
}

std::vector<Port> find_ports(const Root& root, const fs::path& nic) {
  std::vector<Port> ports;
  for (const std::string& number : root.list(nic / "ports")) {
    const fs::path path = nic / "ports" / number;
    ports.push_back({path, root.read(path / "state").value_or(""),
                     root.read(path / "link_layer").value_or(""),
                     leading_number(root.read(path / "rate")).value_or(0)});
  }
  return ports;
}

std::vector<Nic> find_nics(const Root& root) {
  std::vector<Nic> nics;
  for (const std::string& name : root.list(kRdmaDevices)) {
    const fs::path path = kRdmaDevices / name;
    PciDevice device = pci_device(root, path / "device");
    device.path = kPciDevices / device.place.filename();
    nics.push_back({name, device, find_ports(root, path)});
  }
  return nics;
}

std::optional<std::map<std::string, std::string>> find_environment(const Root& root) {
  const auto entries = root.read_raw("/proc/self/environ");
  if (!entries) return std::nullopt;
  std::map<std::string, std::string> variables;
  std::istringstream text(*entries);
  for (std::string entry; std::getline(text, entry, '\0');)
    if (const auto equals = entry.find('='); equals != std::string::npos)
      variables[entry.substr(0, equals)] = entry.substr(equals + 1);
  return variables;
}

std::optional<KernelVersion> find_kernel(const Root& root) {
  std::istringstream text(root.read("/proc/sys/kernel/osrelease").value_or(""));
  KernelVersion version;
  char dot = 0;
  if (!(text >> version.major >> dot >> version.minor)) return std::nullopt;
  return version;
}

// Where a directory does not exist yet, it will be made in one that does.
std::optional<std::uint64_t> free_bytes_of(const fs::path& directory) {
  std::error_code problem;
  fs::path existing = fs::absolute(directory, problem);
  while (!fs::exists(existing, problem) && existing.has_relative_path()) existing = existing.parent_path();
  const fs::space_info space = fs::space(existing, problem);
  if (problem) return std::nullopt;
  return space.available;
}

}  // namespace

std::optional<double> PcieLink::ceiling_gbytes_per_s() const {
  if (!max_speed_gts || !max_width) return std::nullopt;
  // Up to 5 GT/s ten bits carry a byte; from 8 GT/s on 130 carry 16.
  const double coding = *max_speed_gts > 5 ? 128.0 / 130 / 8 : 0.1;
  return *max_speed_gts * coding * static_cast<double>(*max_width);
}

double Nic::rate_gbits() const {
  double fastest = 0;
  for (const Port& port : ports)
    if (port.active()) fastest = std::max(fastest, port.rate_gbits);
  return fastest;
}

bool Machine::has_gpus() const {
  return !gpus.empty() || root.exists(kDriverBanner);
}

std::string Machine::variable(const std::string& name) const {
  if (!environment) return {};
  const auto found = environment->find(name);
  return found == environment->end() ? std::string() : found->second;
}

bool Machine::in_container() const {
  if (root.exists("/.dockerenv") || root.exists("/run/.containerenv")) return true;
  const std::string groups = root.read("/proc/1/cgroup").value_or("");
  return std::ranges::any_of(std::initializer_list<const char*>{"docker", "kubepods", "containerd", "lxc"},
                             [&](const char* word) { return groups.find(word) != std::string::npos; });
}

std::optional<bool> Machine::open_driver() const {
  const auto banner = root.read(kDriverBanner);
  if (!banner) return std::nullopt;
  return banner->find("Open Kernel Module") != std::string::npos;
}

Machine look_at(const Root& root, Libraries libraries) {
  Machine machine{root,
                  std::move(libraries),
                  find_gpus(root),
                  find_nics(root),
                  find_environment(root),
                  find_kernel(root),
                  [](const fs::path&) { return std::nullopt; }};
  if (root.is_this_machine()) {
    machine.free_bytes = free_bytes_of;
    machine.built_with_cuda = kernels::is_built_with(kernels::DeviceKind::cuda);
    machine.toolkit = kernels::cuda_toolkit();
  }
  return machine;
}

}  // namespace eightfold::runtime::doctor
