#pragma once

// Chooses a rank's device and number of host threads, once at start, from its node's hardware and the other
// ranks there. The choice is logged with its reason.

#include "comm/mpi/communicator.hpp"
#include "kernels/base/cpu_quota.hpp"
#include "kernels/device.hpp"

#include <optional>
#include <string>
#include <vector>

namespace eightfold::comm::mpi {

// Selects the GPU that bind_device() chooses later, as far as the launcher has told this process its number
// on the node. UCX takes the network card that is nearest to the GPU selected when it starts. Call it before
// MPI starts, at most once. Does nothing for the host, without a GPU, or if the launcher says nothing. What
// fails here fails in bind_device() again, where ranks can agree on it.
void select_device_before_mpi(std::optional<kernels::DeviceKind> kind);

// The GPU with the number local rank modulo GPUs if `kind` is cuda, or if it is absent and build and machine
// have a GPU. Else the host. The calling thread selects it (kernels/device.hpp); a warning says if MPI was
// started with another one. Throws EnvironmentError when a GPU is asked for and there is none, or when there
// is one that cannot be used, unless `kind` is host.
kernels::Device bind_device(const Communicator& communicator, std::optional<kernels::DeviceKind> kind);

// The number of threads that a rank's part of its node suffices for, at least 1, and the limit that decides
// it.
struct FairShare {
  int threads = 1;
  std::string reason;
};
// `cores` are the rank's alone; each quota is shared evenly with the ranks of the node that are under it,
// too. Collective over the node.
FairShare fair_host_threads(Communicator& communicator, int cores, const std::vector<base::CpuQuota>& quotas);

// The number of host threads per rank, the same on all. It is `wanted`, or with 0 a fair share. A fair share
// is the cores that the rank may use, divided by the ranks of its node that may use exactly these. It stays
// within the rank's quotas. If OpenMP grants a rank fewer threads, or the shares differ, all take the least.
// The last bits of gradients depend on the threads, and a faster rank would wait for the slowest. Logs the
// number with the reason. Throws AgreedError, for the environment, where no number can be relied on.
// Collective.
int bind_host_threads(Communicator& communicator, int wanted);

}  // namespace eightfold::comm::mpi
