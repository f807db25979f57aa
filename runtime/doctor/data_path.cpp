#include "runtime/doctor/data_path.hpp"

#include "kernels/base/rate.hpp"
#include "runtime/doctor/gpudirect.hpp"
#include "runtime/doctor/network.hpp"
#include "runtime/doctor/topology.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace eightfold::runtime::doctor {
namespace {

std::optional<double> least(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

std::optional<double> ceiling_of(const Pair& pair) {
  const std::optional<double> pcie =
      least(pair.gpu.link.ceiling_gbytes_per_s(), pair.nic.device.link.ceiling_gbytes_per_s());
  return least(pcie, pair.nic.rate_gbits() / 8);
}

// The first that is missing decides.
void choose_transport(const Machine& machine, DataPath& path) {
  const std::optional<bool> dma_buf = all_hold(dma_buf_conditions(machine));
  const std::optional<bool> peermem = all_hold(peermem_conditions(machine));
  path.transport = "staged";
  if (dma_buf != true && peermem != true) {
    path.reason = "neither dma-buf nor nvidia-peermem can be used";
    return;
  }
  const std::string means = dma_buf == true ? "dma-buf" : "nvidia-peermem";
  if (!machine.libraries.askable()) {
    path.transport = "direct";
    path.reason = fmt::format("by {}, if the MPI there claims and proves it", means);
    return;
  }
  if (machine.libraries.mpi().claims_cuda != true) {
    path.reason = fmt::format("{} would do, but this MPI does not claim to take device memory", means);
    return;
  }
  path.transport = "direct";
  path.reason = fmt::format("by {}, if the MPI proves what it claims", means);
}

// Over the slowest pair: a step takes as long as on the slowest rank.
void take_rdma(const std::vector<Pair>& pairs, DataPath& path) {
  const auto slowest = std::ranges::min_element(pairs, {}, [](const Pair& pair) {
    return std::pair(ceiling_of(pair).value_or(0), -static_cast<int>(pair.distance));
  });
  path.way =
      fmt::format("{} <-> {} ({})", slowest->nic.name, slowest->gpu.address(), to_string(slowest->distance));
  path.ceiling_gbytes_per_s = ceiling_of(*slowest);
}

void take_fastest_port(const Machine& machine, DataPath& path) {
  const auto nic = std::ranges::max_element(machine.nics, {}, &Nic::rate_gbits);
  path.way = nic->name;
  path.ceiling_gbytes_per_s = least(nic->rate_gbits() / 8, nic->device.link.ceiling_gbytes_per_s());
}

void take_tcp(const Machine& machine, DataPath& path) {
  path.way = "no interface to other nodes";
  for (const Interface& interface : interfaces_of(machine.root)) {
    if (!interface.routed || interface.bridge) continue;
    path.way = "TCP over " + interface.name;
    if (interface.rate_gbits) path.ceiling_gbytes_per_s = *interface.rate_gbits / 8;
    return;
  }
}

}  // namespace

DataPath expected_path(const Machine& machine) {
  DataPath path{"host", "no GPU", {}, {}};
  const bool uses_gpus = machine.has_gpus() && machine.built_with_cuda.value_or(true);
  if (uses_gpus) choose_transport(machine, path);
  if (machine.has_gpus() && !uses_gpus) path.reason = "this build has no CUDA";
  const bool has_port =
      std::ranges::any_of(machine.nics, [](const Nic& nic) { return nic.rate_gbits() > 0; });
  if (const auto pairs = nearest_nics(machine); !pairs.empty()) {
    take_rdma(pairs, path);
  } else if (has_port) {
    take_fastest_port(machine, path);
  } else {
    take_tcp(machine, path);
    if (uses_gpus) path = {"staged", "no active port for RDMA", path.way, path.ceiling_gbytes_per_s};
  }
  return path;
}

std::string line_of(const DataPath& path) {
  const std::string expectation =
      path.ceiling_gbytes_per_s
          ? fmt::format("expect at most {} between nodes", base::format_rate(*path.ceiling_gbytes_per_s))
          : "the bandwidth between nodes cannot be told from here";
  return fmt::format("path: {} ({}), {}; {}", path.transport, path.reason, path.way, expectation);
}

}  // namespace eightfold::runtime::doctor
