#include "tests/simt/launch.hpp"

#include "tests/simt/devices.hpp"
#include "tests/simt/executed_kernels.hpp"
#include "tests/simt/runtime_lock.hpp"

#include <cstdio>
#include <map>
#include <mutex>

namespace eightfold::simt {
namespace {

constexpr unsigned kMaxThreads = 1024;
constexpr dim3 kMaxBlock{1024, 1024, 64};
constexpr dim3 kMaxGrid{0x7FFFFFFF, 65535, 65535};

bool is_within(const dim3& extent, const dim3& limit) {
  return extent.x >= 1 && extent.y >= 1 && extent.z >= 1 && extent.x <= limit.x && extent.y <= limit.y &&
         extent.z <= limit.z;
}

// Dynamic shared memory that kernels may have, where they asked for more than the default.
struct SharedLimits {
  std::mutex mutex;
  std::map<const void*, std::size_t> bytes;
};

SharedLimits& shared_limits() {
  static SharedLimits result;
  return result;
}

std::size_t shared_limit(const void* kernel) {
  SharedLimits& all = shared_limits();
  const std::lock_guard lock(all.mutex);
  const auto found = all.bytes.find(kernel);
  return found == all.bytes.end() ? kDefaultSharedBytes : found->second;
}

void print_seed_once() {
  static const int printed =
      settings().is_seed_given
          ? 0
          : std::fprintf(stderr, "simt: SIMT_SEED=%llu\n", static_cast<unsigned long long>(settings().seed));
  static_cast<void>(printed);
}

}  // namespace

cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> run_thread) {
  print_seed_once();
  const dim3 &grid = config.gridDim, &block = config.blockDim;
  if (!is_within(grid, kMaxGrid) || !is_within(block, kMaxBlock) ||
      std::uint64_t{block.x} * block.y * block.z > kMaxThreads)
    return remember(cudaErrorInvalidConfiguration);
  if (config.dynamicSmemBytes > shared_limit(kernel)) return remember(cudaErrorInvalidValue);
  cudaStream_t stream = config.stream;
  if (const cudaError_t error = find(stream, "cudaLaunchKernelEx"); error != cudaSuccess) return error;
  if (stream->device() != current_device()) return remember(cudaErrorInvalidResourceHandle);
  const RuntimeLock lock("cudaLaunchKernelEx");
  load(current_device(), kernel, "cudaLaunchKernelEx");
  stream->enqueue(Kind::device_work, [stream, launch = Launch{kernel, std::move(run_thread), grid, block,
                                                              config.dynamicSmemBytes}] {
    run_grid(launch, stream->random());
    record_executed(launch.kernel);
  });
  return cudaSuccess;
}

}  // namespace eightfold::simt

using namespace eightfold::simt;

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  {
    const RuntimeLock lock("cudaFuncSetAttribute");
    load(current_device(), kernel, "cudaFuncSetAttribute");
  }
  if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout) return cudaSuccess;  // a wish
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
      static_cast<std::size_t>(value) > kLargestSharedBytes)
    return remember(cudaErrorInvalidValue);
  SharedLimits& all = shared_limits();
  const std::lock_guard lock(all.mutex);
  all.bytes[kernel] = static_cast<std::size_t>(value);
  return cudaSuccess;
}
