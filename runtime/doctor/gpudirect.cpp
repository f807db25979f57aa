#include "runtime/doctor/gpudirect.hpp"

#include "kernels/base/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace eightfold::runtime::doctor {
namespace {

constexpr KernelVersion kDmaBufKernel{5, 12};
constexpr std::int64_t kDmaBufDriver = 515;  // of CUDA 11.7

Condition kernel_condition(const Machine& machine) {
  const char* const path = "/proc/sys/kernel/osrelease";
  Condition condition{{path, machine.root.read(path).value_or("not there")}, {}};
  if (machine.kernel) condition.holds = *machine.kernel >= kDmaBufKernel;
  return condition;
}

Condition flavour_condition(const Machine& machine) {
  const auto open = machine.open_driver();
  const char* const value = !open ? "not there" : *open ? "open kernel modules" : "closed kernel modules";
  return {{"/proc/driver/nvidia/version", value}, open};
}

Condition driver_condition(const Machine& machine) {
  const char* const path = "/sys/module/nvidia/version";
  const auto version = machine.root.read(path);
  Condition condition{{path, version.value_or("not there")}, {}};
  if (!version) return condition;
  if (const auto major = base::parse_integer(version->substr(0, version->find('.'))))
    condition.holds = *major >= kDmaBufDriver;
  return condition;
}

// What the adapters' drivers say; nothing about another machine's.
std::vector<Condition> adapter_conditions(const Machine& machine) {
  std::vector<Condition> conditions;
  if (!machine.libraries.askable()) return conditions;
  for (const VerbsDevice& device : machine.libraries.verbs().devices)
    if (device.takes_dma_buf)
      conditions.push_back(
          {{device.name + ": ibv_reg_dmabuf_mr", *device.takes_dma_buf ? "known" : "not supported"},
           device.takes_dma_buf});
  return conditions;
}

}  // namespace

std::vector<Condition> dma_buf_conditions(const Machine& machine) {
  std::vector<Condition> conditions{kernel_condition(machine), flavour_condition(machine),
                                    driver_condition(machine)};
  std::ranges::move(adapter_conditions(machine), std::back_inserter(conditions));
  return conditions;
}

std::vector<Condition> peermem_conditions(const Machine& machine) {
  // The names under which the module, or what it was before it came with the driver, is known.
  constexpr std::array kPlaces{"/sys/kernel/mm/memory_peers/nv_mem/version",
                               "/sys/kernel/mm/memory_peers/nv_mem_nc/version",
                               "/sys/module/nvidia_peermem/version"};
  for (const char* place : kPlaces)
    if (const auto version = machine.root.read(place)) return {{{place, *version}, true}};
  return {{{"/sys/module/nvidia_peermem", "not there"}, false}};
}

std::optional<bool> all_hold(const std::vector<Condition>& conditions) {
  if (std::ranges::any_of(conditions, [](const Condition& c) { return c.holds == false; })) return false;
  if (std::ranges::any_of(conditions, [](const Condition& c) { return !c.holds; })) return std::nullopt;
  return true;
}

std::vector<Evidence> evidence_of(const std::vector<Condition>& conditions) {
  std::vector<Evidence> evidence;
  for (const Condition& condition : conditions) evidence.push_back(condition.evidence);
  return evidence;
}

bool wants_gpudirect(const Machine& machine) {
  return machine.has_gpus() && !machine.nics.empty();
}

}  // namespace eightfold::runtime::doctor
