// The PCIe tree: do GPUs and adapters have the links they could have, and a short way to each other?
#include "runtime/doctor/check.hpp"
#include "runtime/doctor/topology.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace eightfold::runtime::doctor {
namespace {

constexpr const char* kNoGpu = "no NVIDIA GPU on the PCI bus";
constexpr const char* kNoNic = "no adapter for RDMA";

std::string text_of(const PcieLink& link) {
  return fmt::format("x{} at {} GT/s of x{} at {} GT/s", *link.width, *link.speed_gts, *link.max_width,
                     *link.max_speed_gts);
}

// Evidence of a link is a file in the directory of its device.
std::string show_link(const Evidence& fact) {
  return fmt::format("sudo lspci -vv -s {} | grep -E 'LnkCap|LnkSta'",
                     std::filesystem::path(fact.path).parent_path().filename().string());
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
  if (machine.gpus.empty()) return skip(kNoGpu);
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
  if (machine.gpus.empty()) return skip(kNoGpu);
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
  if (machine.gpus.empty()) return skip(kNoGpu);
  const std::string options = machine.root.read("/proc/cmdline").value_or("");
  const std::size_t groups = machine.root.list("/sys/kernel/iommu_groups").size();
  const Evidence fact{"/sys/kernel/iommu_groups", fmt::format("{} groups", groups)};
  if (groups == 0 || options.find("iommu=pt") != std::string::npos)
    return pass(
        {fact,
         {"/proc/cmdline", options.find("iommu=pt") != std::string::npos ? "iommu=pt" : "no iommu=pt"}});
  return warn(
      {fact, {"/proc/cmdline", "no iommu=pt"}},
      "The IOMMU translates every transfer: traffic between GPU and adapter takes the way through the "
      "processor.",
      "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&iommu=pt /' /etc/default/grub && sudo update-grub && sudo "
      "reboot");
}

constexpr std::array kChecks{Check{"gpu-pcie-link", check_gpu_link}, Check{"nic-pcie-link", check_nic_link},
                             Check{"gpu-nic-distance", check_distance}, Check{"iommu", check_iommu}};

}  // namespace

std::span<const Check> pci_checks() {
  return kChecks;
}

}  // namespace eightfold::runtime::doctor
