#pragma once

// Which device and how many host threads a rank uses: decided once at start, from what its node has and who
// else is on it, and logged with the reason.

#include "comm/mpi/communicator.hpp"
#include "kernels/base/cpu_quota.hpp"
#include "kernels/device.hpp"

#include <optional>
#include <string>
#include <vector>

namespace eightfold::comm::mpi {

// GPU number local rank modulo GPUs when `kind` is cuda, or when it is nothing and this build and machine
// have a GPU; else the host. Throws EnvironmentError when a GPU is asked for and there is none.
kernels::Device bind_device(const Communicator& communicator, std::optional<kernels::DeviceKind> kind);

// How many threads a rank's part of its node is enough for, at least 1, and what says so.
struct FairShare {
  int threads = 1;
  std::string reason;
};
// `cores` are the rank's alone; each quota is shared evenly with the ranks of the node that are under it,
// too. Collective over the node.
FairShare fair_host_threads(Communicator& communicator, int cores, const std::vector<base::CpuQuota>& quotas);

// The threads that every rank computes with on the host, the same number on all: `wanted`, or with 0 the fair
// share of the cores that the rank may run on, divided by the ranks of its node that may run on exactly the
// same ones, under its quotas. If OpenMP grants a rank fewer, or the shares differ, all take the least: the
// last bits of a rank's gradients depend on its threads, and none is ahead of the slowest. Logs the number
// with the reason. Throws AgreedError, for the environment, where no number can be relied on. Collective.
int bind_host_threads(Communicator& communicator, int wanted);

}  // namespace eightfold::comm::mpi
