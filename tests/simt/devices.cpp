#include "tests/simt/devices.hpp"

#include "tests/simt/live_objects.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

namespace eightfold::simt {
namespace {

thread_local int device_of_thread = 0;
thread_local cudaError_t error_of_thread = cudaSuccess;
thread_local bool is_host_function_running = false;

struct Streams {
  std::mutex mutex;
  std::vector<std::shared_ptr<CUstream_st>> made;         // by create_stream
  std::map<int, std::shared_ptr<CUstream_st>> of_device;  // the null streams
  std::uint64_t count = 0;

  std::shared_ptr<CUstream_st> make(int device) {
    return std::make_shared<CUstream_st>(device, Random(settings().seed + ++count).next());
  }
};

Streams& streams() {
  static Streams result;
  return result;
}

}  // namespace

bool is_device(int device) {
  return device >= 0 && device < settings().devices;
}

int current_device() {
  return device_of_thread;
}

void set_current_device(int device) {
  device_of_thread = device;
}

cudaStream_t create_stream() {
  Streams& all = streams();
  const std::lock_guard lock(all.mutex);
  const cudaStream_t stream = all.made.emplace_back(all.make(current_device())).get();
  add_live(Live::streams, stream);
  return stream;
}

bool destroy_stream(cudaStream_t stream) {
  Streams& all = streams();
  std::shared_ptr<CUstream_st> destroyed;  // outside of the lock: it waits for the stream's work
  {
    const std::lock_guard lock(all.mutex);
    const auto found = std::find_if(all.made.begin(), all.made.end(),
                                    [&](const auto& made) { return made.get() == stream; });
    if (found == all.made.end()) return false;
    destroyed = std::move(*found);
    all.made.erase(found);
    remove_live(stream);
  }
  return true;
}

cudaError_t find(cudaStream_t& stream) {
  if (is_in_host_function()) return remember(cudaErrorNotPermitted);
  Streams& all = streams();
  const std::lock_guard lock(all.mutex);
  if (stream == nullptr) {
    auto& own = all.of_device[current_device()];
    if (!own) own = all.make(current_device());
    stream = own.get();
    return cudaSuccess;
  }
  const bool is_known =
      std::any_of(all.made.begin(), all.made.end(), [&](const auto& made) { return made.get() == stream; });
  return remember(is_known ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

cudaError_t synchronize_device() {
  Streams& all = streams();
  std::vector<std::shared_ptr<CUstream_st>> of_device;  // held: others may destroy theirs meanwhile
  {
    const std::lock_guard lock(all.mutex);
    of_device = all.made;
    for (const auto& [device, stream] : all.of_device) of_device.push_back(stream);
  }
  std::erase_if(of_device, [](const auto& stream) { return stream->device() != current_device(); });
  cudaError_t first = cudaSuccess;
  for (const auto& stream : of_device) {
    const cudaError_t error = stream->synchronize();
    if (first == cudaSuccess) first = error;
  }
  return first;
}

void run_host_function(cudaHostFn_t function, void* data) {
  is_host_function_running = true;
  function(data);
  is_host_function_running = false;
}

bool is_in_host_function() {
  return is_host_function_running;
}

cudaError_t remember(cudaError_t code) {
  if (code != cudaSuccess && code != cudaErrorNotReady) error_of_thread = code;
  return code;
}

cudaError_t take_last_error() {
  return std::exchange(error_of_thread, cudaSuccess);
}

cudaError_t last_error() {
  return error_of_thread;
}

void enqueue(cudaStream_t stream, std::function<void()> work) {
  if (find(stream) != cudaSuccess) throw std::invalid_argument("not a stream");
  stream->enqueue(Touches::device_memory, std::move(work));
}

}  // namespace eightfold::simt
