// The PCIe tree: do GPUs and adapters have the links they could have, and a short way to each other?
#include "kernels/base/parse.hpp"
#include "runtime/doctor/acs.hpp"
#include "runtime/doctor/check.hpp"
#include "runtime/doctor/topology.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <sstream>

namespace eightfold::runtime::doctor {
namespace {

constexpr const char* kNoNic = "no adapter for RDMA";

// Why nothing can be said of GPUs on the bus.
Finding without_gpus(const Machine& machine) {
  if (!machine.has_gpus()) return skip("no NVIDIA GPU on the PCI bus");
  return unknown({{"/sys/bus/pci/devices", "no NVIDIA GPU"}},
                 "The driver runs, but the bus is hidden from here.");
}

std::string text_of(const PcieLink& link) {
  return fmt::format("x{} at {} GT/s of x{} at {} GT/s", *link.width, *link.speed_gts, *link.max_width,
                     *link.max_speed_gts);
}

// The address in the evidence of a device: a file in its directory.
std::string device_of(const Evidence& fact) {
  return std::filesystem::path(fact.path).parent_path().filename().string();
}

std::string show_link(const Evidence& fact) {
  return fmt::format("sudo lspci -vv -s {} | grep -E 'LnkCap|LnkSta'", device_of(fact));
}

struct LinkSurvey {
  std::vector<Evidence> full, narrow, slow, silent;
};

LinkSurvey survey(const std::vector<PciDevice>& devices) {
  LinkSurvey found;
  for (const PciDevice& device : devices) {
    const PcieLink& link = device.link;
    if (!link.width || !link.max_width || !link.speed_gts || !link.max_speed_gts) {
      found.silent.push_back({device.path / "current_link_width", "not there"});
      continue;
    }
    const Evidence fact{device.path / "current_link_*", text_of(link)};
    if (*link.width < *link.max_width)
      found.narrow.push_back(fact);
    else if (*link.speed_gts < *link.max_speed_gts)
      found.slow.push_back(fact);
    else
      found.full.push_back(fact);
  }
  return found;
}

Finding check_gpu_link(const Machine& machine) {
  if (machine.gpus.empty()) return without_gpus(machine);
  const LinkSurvey found = survey(machine.gpus);
  if (!found.narrow.empty())
    return warn(found.narrow,
                "Lanes are missing: copies to and from the GPU take longer by as much. Reseat it.",
                show_link(found.narrow.front()));
  if (!found.slow.empty())
    return unknown(
        found.slow, "An idle GPU lowers its speed; only under load can be told whether it rises.",
        "nvidia-smi --query-gpu=pci.bus_id,pcie.link.gen.current,pcie.link.gen.max --format=csv -l 1");
  if (!found.silent.empty())
    return unknown(found.silent, "The kernel does not say how the GPU is connected.");
  return pass(found.full);
}

Finding check_nic_link(const Machine& machine) {
  if (machine.nics.empty()) return skip(kNoNic);
  std::vector<PciDevice> devices;
  for (const Nic& nic : machine.nics) devices.push_back(nic.device);
  const LinkSurvey found = survey(devices);
  std::vector<Evidence> reduced = found.narrow;
  std::ranges::copy(found.slow, std::back_inserter(reduced));
  if (!reduced.empty())
    return warn(reduced,
                "The adapter's PCIe link came up below its best: the network is faster than its way to it.",
                show_link(reduced.front()));
  if (!found.silent.empty())
    return unknown(found.silent, "The kernel does not say how the adapter is connected.");
  return pass(found.full);
}

Finding check_distance(const Machine& machine) {
  if (machine.gpus.empty()) return without_gpus(machine);
  if (machine.nics.empty()) return skip(kNoNic);
  std::vector<Evidence> near, far, unclear;
  for (const Pair& pair : nearest_nics(machine)) {
    const Evidence fact{pair.gpu.place, fmt::format("{} to {}", to_string(pair.distance), pair.nic.name)};
    (pair.distance == Distance::sys       ? far
     : pair.distance == Distance::unknown ? unclear
                                          : near)
        .push_back(fact);
  }
  if (!far.empty())
    return warn(
        far,
        "The way between GPU and adapter crosses the link between the processors' sockets: GPUDirect is "
        "slower there than a copy through the host.",
        "nvidia-smi topo -m");
  if (!unclear.empty())
    return unknown(unclear,
                   "They are below different host bridges, and the kernel does not say of which NUMA node.",
                   "nvidia-smi topo -m");
  if (near.empty()) return unknown({}, "No adapter has an active port.");
  return pass(near);
}

Finding check_iommu(const Machine& machine) {
  if (machine.gpus.empty()) return without_gpus(machine);
  const char* const directory = "/sys/kernel/iommu_groups";
  const auto options = machine.root.read("/proc/cmdline");
  if (!options || !machine.root.exists(directory))
    return unknown({{directory, "not there"}}, "The kernel does not say what its IOMMU does.");
  const std::size_t groups = machine.root.list(directory).size();
  const bool passes_through = options->find("iommu=pt") != std::string::npos;
  const std::vector<Evidence> evidence{{directory, fmt::format("{} groups", groups)},
                                       {"/proc/cmdline", passes_through ? "iommu=pt" : "no iommu=pt"}};
  if (groups == 0 || passes_through) return pass(evidence);
  return warn(
      evidence,
      "The IOMMU translates every transfer: traffic between GPU and adapter takes the way through the "
      "processor.",
      "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&iommu=pt /' /etc/default/grub && sudo update-grub && sudo "
      "reboot");
}

// The bridges above the GPUs, each once.
std::set<std::string> bridges_above_gpus(const Machine& machine) {
  std::set<std::string> bridges;
  for (const PciDevice& gpu : machine.gpus) {
    const std::vector<std::string> way = bridges_above(gpu);  // a host bridge, bridges, the GPU
    if (way.size() > 2) bridges.insert(way.begin() + 1, way.end() - 1);
  }
  return bridges;
}

Finding check_acs(const Machine& machine) {
  if (machine.gpus.empty()) return without_gpus(machine);
  std::vector<Evidence> straight, redirecting, unreadable;
  for (const std::string& bridge : bridges_above_gpus(machine)) {
    const std::string path = "/sys/bus/pci/devices/" + bridge + "/config";
    switch (acs_of(machine.root, bridge)) {
      case AcsState::straight:
        straight.push_back({path, "does not redirect"});
        break;
      case AcsState::redirects:
        redirecting.push_back({path, "ACS redirects"});
        break;
      case AcsState::unreadable:
        unreadable.push_back({path, "readable by root only"});
        break;
    }
  }
  if (!redirecting.empty())
    return warn(
        redirecting,
        "Transfers between devices below this bridge go up to the processor and back: GPUs and adapters "
        "exchange data at a fraction of their speed.",
        fmt::format("sudo setpci -s {} ECAP_ACS+6.w=0000", device_of(redirecting.front())));
  if (!unreadable.empty())
    return unknown(unreadable, "Only root may read whether bridges redirect.", "sudo eightfold doctor");
  return straight.empty() ? skip("no bridge above a GPU") : pass(straight);
}

// The largest region of a device that others on the bus can address: of a GPU, BAR1, the window to its
// memory. A line of `resource` is first address, last address, flags.
std::optional<std::uint64_t> largest_region(const Root& root, const PciDevice& device) {
  const auto text = root.read(device.path / "resource");
  if (!text) return std::nullopt;
  std::istringstream lines(*text);
  std::uint64_t first = 0, last = 0, flags = 0, largest = 0;
  while (lines >> std::hex >> first >> last >> flags)
    if (last > first) largest = std::max(largest, last - first + 1);
  return largest > 0 ? std::optional(largest) : std::nullopt;
}

Finding check_bar1(const Machine& machine) {
  constexpr std::uint64_t kSmall = std::uint64_t{1} << 30;
  if (machine.gpus.empty()) return without_gpus(machine);
  std::vector<Evidence> large, small, silent;
  for (const PciDevice& gpu : machine.gpus) {
    const auto bytes = largest_region(machine.root, gpu);
    const Evidence fact{gpu.path / "resource", bytes ? base::format_bytes(*bytes) : "not there"};
    (!bytes ? silent : *bytes < kSmall ? small : large).push_back(fact);
  }
  if (!small.empty())
    return warn(small,
                "Adapters and other GPUs reach the GPU's memory through this window (BAR1): buffers of large "
                "models do not fit into it, and registering them fails with \"Cannot allocate memory\".",
                "sudo lspci -vv -s " + device_of(small.front()) +
                    " | grep Region   # then: Above 4G Decoding and Resizable BAR in the firmware");
  if (!silent.empty())
    return unknown(silent, "The kernel does not say how much of the GPU's memory is in reach.");
  return pass(large);
}

constexpr std::array kChecks{Check{"gpu-pcie-link", check_gpu_link},
                             Check{"gpu-bar1", check_bar1},
                             Check{"nic-pcie-link", check_nic_link},
                             Check{"gpu-nic-distance", check_distance},
                             Check{"iommu", check_iommu},
                             Check{"acs", check_acs}};

}  // namespace

std::span<const Check> pci_checks() {
  return kChecks;
}

}  // namespace eightfold::runtime::doctor
