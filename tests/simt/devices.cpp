#include "tests/simt/devices.hpp"

#include "tests/simt/host_functions.hpp"
#include "tests/simt/live_objects.hpp"
#include "tests/simt/runtime_lock.hpp"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace eightfold::simt {
namespace {

thread_local std::optional<int> device_of_thread;  // selected by the thread
thread_local cudaError_t error_of_thread = cudaSuccess;

// Those of one device, and whose turn it is to be a new stream's. Never destroyed: streams outlive it.
HardwareQueue* next_queue(int device) {
  struct Queues {
    std::deque<HardwareQueue> all;
    std::size_t next = 0;
  };
  static auto& of_device = *new std::map<int, Queues>;
  const int count = settings().queues;
  if (count == 0) return nullptr;
  Queues& queues = of_device[device];
  if (queues.next == queues.all.size() && queues.next < static_cast<std::size_t>(count))
    queues.all.emplace_back(static_cast<int>(queues.next));
  HardwareQueue* queue = &queues.all[queues.next];
  queues.next = (queues.next + 1) % static_cast<std::size_t>(count);
  return queue;
}

struct Streams {
  std::mutex mutex;
  std::vector<std::shared_ptr<CUstream_st>> made;         // by create_stream
  std::map<int, std::shared_ptr<CUstream_st>> of_device;  // the null streams
  int count = 0;

  std::shared_ptr<CUstream_st> make(int device) {
    ++count;
    const std::uint64_t seed = Random(settings().seed + static_cast<std::uint64_t>(count)).next();
    return std::make_shared<CUstream_st>(device, seed, count, next_queue(device));
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
  return device_of_thread.value_or(0);
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

cudaError_t find(cudaStream_t& stream, const char* call) {
  if (const cudaError_t error = check_caller(call); error != cudaSuccess) return error;
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

cudaError_t synchronize_device(int device, Reason reason) {
  Streams& all = streams();
  std::vector<std::shared_ptr<CUstream_st>> of_device;  // held: others may destroy theirs meanwhile
  {
    const std::lock_guard lock(all.mutex);
    of_device = all.made;
    for (const auto& [owner, stream] : all.of_device) of_device.push_back(stream);
  }
  std::erase_if(of_device, [&](const auto& stream) { return stream->device() != device; });
  cudaError_t first = cudaSuccess;
  for (const auto& stream : of_device) {
    const cudaError_t error = stream->synchronize(reason);
    if (first == cudaSuccess) first = error;
  }
  return first;
}

cudaError_t check_caller(const char* call) {
  if (is_in_host_function()) return remember(cudaErrorNotPermitted);
  if (device_of_thread || !settings().is_device_strict) return cudaSuccess;
  std::fprintf(stderr, "simt: %s by a thread that has not called cudaSetDevice\n", call);
  return remember(cudaErrorDeviceUninitialized);
}

void load(int device, const void* kernel, const char* call) {
  if (!settings().is_lazy) return;
  static std::set<std::pair<int, const void*>> loaded;  // under the runtime's lock
  if (loaded.emplace(device, kernel).second)
    synchronize_device(device, {call, "the device, to load a kernel"});
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

void enqueue(cudaStream_t stream, std::function<void()> work, const void* kernel) {
  if (find(stream, "a library's call") != cudaSuccess)
    throw std::invalid_argument("not a stream, or not for this thread");
  const RuntimeLock lock("a library's call");
  if (kernel != nullptr) load(stream->device(), kernel, "a library's call");
  stream->enqueue(Kind::device_work, std::move(work));
}

}  // namespace eightfold::simt
