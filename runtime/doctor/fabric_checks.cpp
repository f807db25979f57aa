// The adapters for RDMA: ports, subnet, addresses, errors, and what a process needs to use them.
#include "kernels/base/parse.hpp"
#include "runtime/doctor/check.hpp"
#include "runtime/doctor/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace eightfold::runtime::doctor {
namespace {

constexpr const char* kNoNic = "no adapter for RDMA: ranks of other nodes are reached over TCP";

std::vector<Port> ports_of(const Machine& machine) {
  std::vector<Port> ports;
  for (const Nic& nic : machine.nics) std::ranges::copy(nic.ports, std::back_inserter(ports));
  return ports;
}

// Adapters on the bus that no driver offers for RDMA: those of InfiniBand, which have no other use.
Finding check_rdma_driver(const Machine& machine) {
  if (!machine.nics.empty()) {
    std::vector<Evidence> found;
    for (const Nic& nic : machine.nics)
      found.push_back({"/sys/class/infiniband/" + nic.name, nic.device.address()});
    return pass(found);
  }
  const std::filesystem::path bus = "/sys/bus/pci/devices";
  std::vector<Evidence> idle;
  for (const std::string& address : machine.root.list(bus))
    if (machine.root.read(bus / address / "class").value_or("").starts_with("0x0207"))
      idle.push_back({bus / address / "class", "an InfiniBand adapter, not in /sys/class/infiniband"});
  if (idle.empty()) return skip(kNoNic);
  return fail(idle, "The adapter has no driver for RDMA: between nodes everything goes over TCP.",
              "sudo modprobe mlx5_ib");
}

Finding check_ports(const Machine& machine) {
  if (machine.nics.empty()) return skip(kNoNic);
  std::vector<Evidence> active, down;
  for (const Port& port : ports_of(machine))
    (port.active() ? active : down).push_back({port.path / "state", port.state});
  if (active.empty())
    return fail(down, "No port is up: there is no RDMA, and between nodes everything goes over TCP.",
                "ibstat   # then look at cable and switch port");
  if (!down.empty())
    return warn(down, "A port without a link carries nothing; UCX_NET_DEVICES must not name it.", "ibstat");
  return pass(active);
}

// A port without a subnet manager stays in the state INIT, or keeps an address that nobody routes to.
Finding check_subnet_manager(const Machine& machine) {
  if (machine.nics.empty()) return skip(kNoNic);
  std::vector<Evidence> managed, unmanaged, unclear;
  for (const Port& port : ports_of(machine)) {
    if (port.link_layer != "InfiniBand" || port.state.ends_with("DOWN")) continue;
    const auto manager = machine.root.read(port.path / "sm_lid");
    const bool none = manager == "0x0" || manager == "0";
    (!manager ? unclear
     : none   ? unmanaged
              : managed)
        .push_back({port.path / "sm_lid", manager.value_or("not there")});
  }
  if (!unmanaged.empty())
    return fail(unmanaged, "No subnet manager has given the port an address: no message leaves it.",
                "sudo systemctl start opensm   # on one node of the fabric, or in the switch");
  if (!unclear.empty()) return unknown(unclear, "The kernel does not say who manages the subnet.", "sminfo");
  if (managed.empty()) return skip("no InfiniBand port with a link");
  return pass(managed);
}

Finding check_rates(const Machine& machine) {
  if (machine.nics.empty()) return skip(kNoNic);
  double best = 0;
  for (const Nic& nic : machine.nics) best = std::max(best, nic.rate_gbits());
  if (best == 0) return skip("no active port");
  std::vector<Evidence> fast, slow;
  for (const Port& port : ports_of(machine)) {
    if (!port.active()) continue;
    const Evidence fact{port.path / "rate", fmt::format("{} Gb/s", port.rate_gbits)};
    (port.rate_gbits < best ? slow : fast).push_back(fact);
  }
  if (!slow.empty())
    return warn(slow,
                fmt::format("Another port of this machine has {} Gb/s: a rank on the slower one slows all "
                            "ranks, unless they are different networks.",
                            best),
                "ibstat   # then look at cable and switch port");
  return pass(fast);
}

bool is_routable(const std::string& gid) {
  return !gid.empty() && gid != "0000:0000:0000:0000:0000:0000:0000:0000" && !gid.starts_with("fe80");
}

// Where an Ethernet port has no routable address of version 2, its messages do not pass a router and are
// often dropped by the fabric's flow control.
Finding check_roce_addresses(const Machine& machine) {
  if (machine.nics.empty()) return skip(kNoNic);
  std::vector<Evidence> found, missing;
  for (const Port& port : ports_of(machine)) {
    if (port.link_layer != "Ethernet" || !port.active()) continue;
    const auto numbers = machine.root.list(port.path / "gids");
    const auto good = std::ranges::find_if(numbers, [&](const std::string& number) {
      return machine.root.read(port.path / "gid_attrs/types" / number) == "RoCE v2" &&
             is_routable(machine.root.read(port.path / "gids" / number).value_or(""));
    });
    if (good == numbers.end())
      missing.push_back({port.path / "gids", "no routable address of RoCE v2"});
    else
      found.push_back({port.path / "gids" / *good, *machine.root.read(port.path / "gids" / *good)});
  }
  if (!missing.empty())
    return fail(missing, "Without one, connections over RoCE end with \"transport retry count exceeded\".",
                "sudo ip addr add ADDRESS/24 dev INTERFACE   # then name its index in UCX_IB_GID_INDEX");
  return found.empty() ? skip("no Ethernet port with a link") : pass(found);
}

Finding check_errors(const Machine& machine) {
  if (machine.nics.empty()) return skip(kNoNic);
  std::vector<Evidence> clean, dirty;
  for (const Port& port : ports_of(machine))
    for (const char* counter : {"link_downed", "symbol_error", "port_rcv_errors", "link_error_recovery"}) {
      const std::filesystem::path path = port.path / "counters" / counter;
      if (const auto count = machine.root.read_integer(path))
        (*count == 0 ? clean : dirty).push_back({path, fmt::format("{}", *count)});
    }
  if (!dirty.empty())
    return warn(
        dirty, "A link that loses bits repeats messages; a count that rises while a job runs is a bad cable.",
        "sudo perfquery -x   # once before a job and once after");
  return clean.empty() ? unknown({}, "The kernel does not count errors of these ports.", "sudo perfquery -x")
                       : pass(clean);
}

Finding check_device_files(const Machine& machine) {
  if (machine.nics.empty()) return skip(kNoNic);
  const auto names = machine.root.list("/dev/infiniband");
  const auto verbs =
      std::ranges::count_if(names, [](const auto& name) { return name.starts_with("uverbs"); });
  if (verbs > 0) return pass({{"/dev/infiniband", fmt::format("{} uverbs files", verbs)}});
  return fail({{"/dev/infiniband", "no uverbs file"}},
              "The kernel has adapters, but processes cannot open them: UCX takes TCP without a word.",
              machine.in_container()
                  ? "docker run --device=/dev/infiniband --cap-add=IPC_LOCK --ulimit memlock=-1 ..."
                  : "sudo modprobe ib_uverbs");
}

Finding check_verbs(const Machine& machine) {
  if (machine.nics.empty()) return skip(kNoNic);
  if (!machine.libraries.askable()) return skip("libraries of another machine are not loaded");
  const VerbsFacts verbs = machine.libraries.verbs();
  const char* const install = "sudo apt-get install ibverbs-providers libibverbs1";
  if (!verbs.source.loaded())
    return fail({{"libibverbs.so.1", verbs.source.problem}}, "Without it UCX cannot use the adapters.",
                install);
  std::vector<Evidence> missing;
  for (const Nic& nic : machine.nics)
    if (std::ranges::find(verbs.devices, nic.name, &VerbsDevice::name) == verbs.devices.end())
      missing.push_back({"/sys/class/infiniband", nic.name + ", unknown to " + verbs.source.path});
  if (!missing.empty())
    return fail(missing,
                "The library has no provider for the adapter, or may not open it: UCX does not see it.",
                install);
  return pass(
      {{verbs.source.path + ": ibv_get_device_list", fmt::format("{} adapters", verbs.devices.size())}});
}

// UCX has been seen to fail with the limits of 64 KiB and 8 MiB that systemd, Slurm and Docker set.
Finding check_memlock(const Machine& machine) {
  constexpr std::uint64_t kTooLittle = std::uint64_t{64} << 20;
  if (machine.nics.empty()) return skip("no adapter for RDMA: nothing has to be locked");
  const Evidence fact{"/proc/self/limits", ""};
  const auto limit = limit_of(machine.root, "Max locked memory");
  if (!limit)
    return unknown({{fact.path, "no line for locked memory"}}, "The limit cannot be read.", "ulimit -l");
  if (limit->unlimited()) return pass({{fact.path, "Max locked memory unlimited"}});
  const std::vector<Evidence> evidence{{fact.path, "Max locked memory " + base::format_bytes(*limit->bytes)}};
  const char* const fix =
      machine.in_container()
          ? "docker run --ulimit memlock=-1 ..."
          : "echo '* - memlock unlimited' | sudo tee /etc/security/limits.d/memlock.conf   # Slurm: "
            "LimitMEMLOCK=infinity in slurmd's unit";
  if (*limit->bytes < kTooLittle)
    return fail(evidence,
                "RDMA locks the memory it sends: registering it fails with \"Cannot allocate memory\".", fix);
  return warn(evidence,
              "RDMA locks the memory it sends: large messages may fail with \"Cannot allocate memory\".",
              fix);
}

constexpr std::array kChecks{
    Check{"rdma-driver", check_rdma_driver},
    Check{"nic-port", check_ports},
    Check{"subnet-manager", check_subnet_manager},
    Check{"nic-rate", check_rates, SeenEverywhere::alike},
    Check{"roce-address", check_roce_addresses},
    Check{"nic-errors", check_errors},
    Check{"rdma-files", check_device_files},
    Check{"verbs", check_verbs},
    Check{"memlock", check_memlock, SeenEverywhere::alike},
};

}  // namespace

std::span<const Check> fabric_checks() {
  return kChecks;
}

}  // namespace eightfold::runtime::doctor
