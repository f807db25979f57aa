#include "kernels/base/error.hpp"
#include "kernels/cuda/unusable_gpu.hpp"

namespace eightfold::kernels::cuda {
namespace {

std::string version_text(int version) {
  return version == 0 ? "none" : fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

// CUDA ends the list at the first name that is none, such as "-1", or Slurm's "NoDevFiles".
bool are_hidden(const std::optional<std::string>& visible) {
  if (!visible) return false;
  const bool begins_with_number = !visible->empty() && visible->front() >= '0' && visible->front() <= '9';
  return !begins_with_number && !visible->starts_with("GPU-") && !visible->starts_with("MIG-");
}

// CUDA's code for an old driver is its code for no driver, too. In some containers and virtual machines there
// is no device file.
bool is_absent(const GpuSearch& search) {
  switch (search.obstacle) {
    case Obstacle::no_device:
      return are_hidden(search.visible) || !search.has_device_file;
    case Obstacle::old_driver:
      return search.driver_version == 0 && !search.has_device_file;
    case Obstacle::other:
      return false;
  }
  return false;
}

}  // namespace

void require_absent(const GpuSearch& search) {
  if (is_absent(search)) return;
  base::raise<base::EnvironmentError>(
      "this machine has a GPU that cannot be used: {} (CUDA of the driver: {}, of this program: {}); "
      "`eightfold doctor` says more, --set job.device=host does without",
      search.reason, version_text(search.driver_version), version_text(search.runtime_version));
}

}  // namespace eightfold::kernels::cuda
