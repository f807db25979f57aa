#include "comm/binding.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/hash.hpp"
#include "kernels/base/log.hpp"

#include <sched.h>

#include <algorithm>

namespace eightfold::comm {

using kernels::Device;
using kernels::DeviceKind;

Device bind_device(const Communicator& communicator, std::optional<DeviceKind> kind) {
  const int gpus = kernels::device_count(DeviceKind::cuda);
  if (kind == DeviceKind::cuda && gpus == 0)
    base::raise<base::EnvironmentError>("job.device is cuda, but {} on {}; use --set job.device=host",
                                        kernels::is_built_with(DeviceKind::cuda)
                                            ? "no GPU is visible"
                                            : "this eightfold was built without CUDA",
                                        communicator.host());
  if (kind == DeviceKind::host || gpus == 0) {
    base::log_info("device: host ({})", kind == DeviceKind::host                   ? "as the job says"
                                        : kernels::is_built_with(DeviceKind::cuda) ? "no GPU is visible"
                                                                                   : "built without CUDA");
    return Device{};
  }
  const Device device{DeviceKind::cuda, communicator.local_rank() % gpus};
  base::log_info("device: {} of {} for local rank {} of {}", to_string(device), gpus,
                 communicator.local_rank(), communicator.local_size());
  return device;
}

int fair_host_threads(Communicator& communicator) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const bool known = sched_getaffinity(0, sizeof allowed, &allowed) == 0;
  const std::uint64_t mine = base::hash64(std::as_bytes(std::span(&allowed, 1)));
  const auto masks = communicator.all_gather_on_node(mine);  // all ranks take part, whatever they know
  const auto sharing = std::count(masks.begin(), masks.end(), mine);
  return known ? std::max(1, CPU_COUNT(&allowed) / static_cast<int>(sharing)) : 1;
}

}  // namespace eightfold::comm
