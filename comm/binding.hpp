#pragma once

// Which device and how many host threads a rank uses: decided once at start, from what its node has and who
// else is on it, and logged with the reason.

#include "comm/communicator.hpp"
#include "kernels/device.hpp"

#include <optional>

namespace eightfold::comm {

// GPU number local rank modulo GPUs when `kind` is cuda, or when it is nothing and this build and machine
// have a GPU; else the host. Throws EnvironmentError when a GPU is asked for and there is none.
kernels::Device bind_device(const Communicator& communicator, std::optional<kernels::DeviceKind> kind);

// The cores this process may run on, divided by the ranks of this node that may run on exactly the same ones;
// at least 1, and 1 where the system does not say. Collective over the node.
int fair_host_threads(Communicator& communicator);

}  // namespace eightfold::comm
