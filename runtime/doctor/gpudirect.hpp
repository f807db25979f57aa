#pragma once

// The two ways in which an adapter may read a GPU's memory by itself, as far as files tell. One is the kernel
// module nvidia-peermem. The other is dma-buf, which needs a new enough kernel, and a new enough and open
// driver.

#include "runtime/doctor/finding.hpp"
#include "runtime/doctor/machine.hpp"

namespace eightfold::runtime::doctor {

// One requirement of a data path, and whether it is met; nothing where that cannot be read.
struct Condition {
  Evidence evidence;
  std::optional<bool> holds;
};

std::vector<Condition> dma_buf_conditions(const Machine& machine);
std::vector<Condition> peermem_conditions(const Machine& machine);

// True if all requirements are met: false if one is not, nothing if the answer depends on unknown ones.
std::optional<bool> all_hold(const std::vector<Condition>& conditions);
std::vector<Evidence> evidence_of(const std::vector<Condition>& conditions);

// True if there is something between which GPUDirect RDMA could work.
bool wants_gpudirect(const Machine& machine);

}  // namespace eightfold::runtime::doctor
