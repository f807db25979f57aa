// GPUDirect RDMA: can an adapter read a GPU's memory by itself?
#include "runtime/doctor/check.hpp"
#include "runtime/doctor/gpudirect.hpp"

#include <array>

namespace eightfold::runtime::doctor {
namespace {

constexpr const char* kNothingToConnect = "needs a GPU and an adapter for RDMA";
constexpr const char* kConsequence =
    "GPUDirect RDMA is off: gradients take the way through the host's memory, whatever the MPI can do.";

Finding check_peermem(const Machine& machine) {
  if (!wants_gpudirect(machine)) return skip(kNothingToConnect);
  const std::vector<Condition> peermem = peermem_conditions(machine);
  const std::vector<Evidence> evidence = evidence_of(peermem);
  if (all_hold(peermem) == true) {
    const bool registry = machine.root.exists("/sys/kernel/mm/memory_peers");
    if (registry && machine.root.list("/sys/kernel/mm/memory_peers").empty())
      return warn({evidence.front(), {"/sys/kernel/mm/memory_peers", "empty"}},
                  "The module is loaded, but the RDMA drivers do not know it: they were installed after it. "
                  "Registering a GPU's memory fails with \"Bad address\".",
                  "sudo modprobe -r nvidia-peermem && sudo modprobe nvidia-peermem");
    return pass(evidence);
  }
  const std::optional<bool> dma_buf = all_hold(dma_buf_conditions(machine));
  if (dma_buf == true) return skip("not loaded, and not needed: dma-buf does its work");
  if (!dma_buf) return unknown(evidence, "It is needed unless dma-buf works, which cannot be told.");
  return fail(evidence, kConsequence, "sudo modprobe nvidia-peermem");
}

Finding check_dma_buf(const Machine& machine) {
  if (!wants_gpudirect(machine)) return skip(kNothingToConnect);
  const std::vector<Condition> conditions = dma_buf_conditions(machine);
  const std::optional<bool> holds = all_hold(conditions);
  if (holds == true) return pass(evidence_of(conditions));
  std::vector<Condition> missing;
  for (const Condition& condition : conditions)
    if (condition.holds != true) missing.push_back(condition);
  if (all_hold(peermem_conditions(machine)) == true) {
    Finding finding = skip("cannot be used, and is not needed: nvidia-peermem does its work");
    finding.evidence = evidence_of(missing);
    return finding;
  }
  const char* const needs =
      "dma-buf needs Linux 5.12, the open kernel modules, driver 515 (CUDA 11.7) or newer, and an RDMA "
      "driver "
      "that knows it";
  if (!holds) return unknown(evidence_of(missing), needs);
  return warn(evidence_of(missing), std::string(needs) + "; without it nvidia-peermem is the only way.",
              "sudo apt-get install nvidia-open");
}

constexpr std::array kChecks{Check{"peermem", check_peermem}, Check{"dma-buf", check_dma_buf}};

}  // namespace

std::span<const Check> gpudirect_checks() {
  return kChecks;
}

}  // namespace eightfold::runtime::doctor
