#include "kernels/backend.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/out_of_memory.hpp"
#include "kernels/buffer.hpp"
#include "kernels/cuda/cuda.hpp"
#include "kernels/cuda/scratch.hpp"
#include "kernels/cuda/unusable_gpu.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>

namespace eightfold::kernels::cuda {
namespace {

// For destructors, which must not throw.
void log_failure(const char* call, cudaError_t code) noexcept {
  if (code == cudaSuccess) return;
  cudaGetLastError();
  try {
    base::log_error("{} failed with code {}: {}", call, static_cast<int>(code), cudaGetErrorString(code));
  } catch (...) {  // the log itself failed: there is nobody left to tell
  }
}
#define LOG_FAILURE(call) log_failure(#call, call)

cudaStream_t stream_of(void* handle) {
  return static_cast<cudaStream_t>(handle);
}
cudaEvent_t event_of(void* handle) {
  return static_cast<cudaEvent_t>(handle);
}

Obstacle obstacle_of(cudaError_t code) {
  switch (code) {
    case cudaErrorNoDevice:
      return Obstacle::no_device;
    case cudaErrorInsufficientDriver:
    case cudaErrorStubLibrary:  // stands in for the driver's library where programs are built
      return Obstacle::old_driver;
    default:
      return Obstacle::other;
  }
}

GpuSearch search_that_failed(cudaError_t code) {
  GpuSearch search;
  search.obstacle = obstacle_of(code);
  search.reason = cudaGetErrorString(code);
  // Neither may hide the error that is being explained: a stub of the driver's library refuses all calls.
  if (cudaDriverGetVersion(&search.driver_version) != cudaSuccess) search.driver_version = 0;
  if (cudaRuntimeGetVersion(&search.runtime_version) != cudaSuccess) search.runtime_version = 0;
  std::error_code ignored;
  search.has_device_file = std::filesystem::exists("/dev/nvidia0", ignored);
  if (const char* const visible = std::getenv("CUDA_VISIBLE_DEVICES")) search.visible = visible;
  return search;
}

class CudaRuntime final : public DeviceRuntime {
 public:
  int device_count() override {
    int count = 0;
    const cudaError_t code = cudaGetDeviceCount(&count);
    if (code == cudaSuccess) return count;
    const GpuSearch search = search_that_failed(code);
    cudaGetLastError();
    require_absent(search);
    base::log_debug("no CUDA device: {}", cudaGetErrorString(code));
    return 0;
  }

  void select_device(Device device) override { make_current(device); }

  std::string pci_address(Device device) override {
    char address[32] = {};
    EIGHTFOLD_CUDA_CHECK(cudaDeviceGetPCIBusId(address, sizeof address, device.index));
    // The kernel and NVML write the digits beyond 9 in lower case.
    for (char& letter : address) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    return address;
  }

  // Memory is allocated when a model is planned, so plain allocations suffice. A pool gains nothing, and MPI
  // libraries send its memory by RDMA only through a copy.
  void* allocate(Device device, MemoryKind kind, std::size_t bytes) override {
    make_current(device);
    void* data = nullptr;
    const cudaError_t code =
        kind == MemoryKind::device ? cudaMalloc(&data, bytes) : cudaMallocHost(&data, bytes);
    if (code == cudaErrorMemoryAllocation) throw_out_of_memory(device, kind, bytes);
    if (code != cudaSuccess)
      throw_cuda_error(kind == MemoryKind::device ? "cudaMalloc" : "cudaMallocHost", code,
                       std::source_location::current());
    if (kind == MemoryKind::pinned) {
      std::memset(data, 0, bytes);
    } else {
      EIGHTFOLD_CUDA_CHECK(cudaMemset(data, 0, bytes));
      EIGHTFOLD_CUDA_CHECK(cudaStreamSynchronize(nullptr));  // our streams do not wait for the null stream
    }
    return data;
  }

  void release(Device, MemoryKind kind, void* data) noexcept override {
    if (kind == MemoryKind::device)
      LOG_FAILURE(cudaFree(data));
    else
      LOG_FAILURE(cudaFreeHost(data));
  }

  void* create_stream(Device device, Priority priority) override {
    make_current(device);
    int least = 0, greatest = 0;
    EIGHTFOLD_CUDA_CHECK(cudaDeviceGetStreamPriorityRange(&least, &greatest));
    cudaStream_t stream = nullptr;
    EIGHTFOLD_CUDA_CHECK(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking,
                                                      priority == Priority::high ? greatest : least));
    return stream;
  }
  void destroy_stream(void* stream) noexcept override {
    release_partials(stream);
    LOG_FAILURE(cudaStreamDestroy(stream_of(stream)));
  }
  void synchronize_stream(void* stream) override {
    EIGHTFOLD_CUDA_CHECK(cudaStreamSynchronize(stream_of(stream)));
  }

  // cudaEventBlockingSync is an interrupt at every record, and thousands of events are recorded in a second.
  void* create_event(Device device, EventKind kind) override {
    make_current(device);
    cudaEvent_t event = nullptr;
    const unsigned timing = kind == EventKind::timed ? cudaEventDefault : cudaEventDisableTiming;
    const unsigned waiting = kind == EventKind::slept_on ? cudaEventBlockingSync : cudaEventDefault;
    EIGHTFOLD_CUDA_CHECK(cudaEventCreateWithFlags(&event, timing | waiting));
    return event;
  }
  void destroy_event(void* event) noexcept override { LOG_FAILURE(cudaEventDestroy(event_of(event))); }
  void record_event(void* event, void* stream) override {
    EIGHTFOLD_CUDA_CHECK(cudaEventRecord(event_of(event), stream_of(stream)));
  }
  void wait_event(void* event, void* stream) override {
    EIGHTFOLD_CUDA_CHECK(cudaStreamWaitEvent(stream_of(stream), event_of(event), 0));
  }
  void synchronize_event(void* event) override {
    EIGHTFOLD_CUDA_CHECK(cudaEventSynchronize(event_of(event)));
  }
  bool is_reached(void* event) override {
    const cudaError_t code = cudaEventQuery(event_of(event));
    if (code == cudaSuccess) return true;
    if (code != cudaErrorNotReady) throw_cuda_error("cudaEventQuery", code, std::source_location::current());
    cudaGetLastError();  // "not yet" would stay as the thread's last error, and libraries look at that
    return false;
  }
  double seconds_between(void* first, void* second) override {
    float milliseconds = 0;
    EIGHTFOLD_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, event_of(first), event_of(second)));
    return 1e-3 * milliseconds;
  }

  void copy(void* stream, void* to, const void* from, std::size_t bytes) override {
    EIGHTFOLD_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_of(stream)));
  }

 private:
  [[noreturn]] static void throw_out_of_memory(Device device, MemoryKind kind, std::size_t bytes) {
    cudaGetLastError();
    if (kind == MemoryKind::pinned)
      base::raise<base::OutOfMemory>("out of page-locked host memory: {} bytes were asked for", bytes);
    std::size_t free = 0, total = 0;
    EIGHTFOLD_CUDA_CHECK(cudaMemGetInfo(&free, &total));
    base::raise<base::OutOfMemory>("out of memory on {}: {} bytes were asked for, {} of {} are free",
                                   to_string(device), bytes, free, total);
  }
};

int multiprocessors(Device device) {
  static std::mutex mutex;
  static std::map<int, int> counts;
  const std::lock_guard lock(mutex);
  int& count = counts[device.index];
  if (count == 0)
    EIGHTFOLD_CUDA_CHECK(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device.index));
  return count;
}

}  // namespace

void throw_cuda_error(const char* call, cudaError_t code, std::source_location where) {
  cudaGetLastError();
  throw CudaError(call, code, fmt::format("{}: {}", cudaGetErrorName(code), cudaGetErrorString(code)).c_str(),
                  where);
}

unsigned grid_blocks(StreamView stream, std::int64_t items, unsigned block_threads,
                     unsigned blocks_per_multiprocessor) {
  const std::int64_t needed = (items + block_threads - 1) / block_threads;
  const std::int64_t room =
      static_cast<std::int64_t>(multiprocessors(stream.device())) * blocks_per_multiprocessor;
  return static_cast<unsigned>(std::clamp<std::int64_t>(needed, 1, room));
}

DeviceRuntime& device_runtime() {
  static CudaRuntime runtime;
  return runtime;
}

}  // namespace eightfold::kernels::cuda
