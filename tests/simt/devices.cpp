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

struct Streams {
  std::mutex mutex;
  std::vector<std::unique_ptr<CUstream_st>> made;         // by create_stream
  std::map<int, std::unique_ptr<CUstream_st>> of_device;  // the null streams
  std::uint64_t count = 0;

  std::unique_ptr<CUstream_st> make(int device) {
    return std::make_unique<CUstream_st>(device, Random(settings().seed + ++count).next());
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
  count_live(Live::streams, 1);
  return all.made.emplace_back(all.make(current_device())).get();
}

bool destroy_stream(cudaStream_t stream) {
  Streams& all = streams();
  std::unique_ptr<CUstream_st> destroyed;  // outside of the lock: it waits for the stream's work
  {
    const std::lock_guard lock(all.mutex);
    const auto found = std::find_if(all.made.begin(), all.made.end(),
                                    [&](const auto& made) { return made.get() == stream; });
    if (found == all.made.end()) return false;
    destroyed = std::move(*found);
    all.made.erase(found);
  }
  count_live(Live::streams, -1);
  return true;
}

cudaStream_t resolve(cudaStream_t stream) {
  Streams& all = streams();
  const std::lock_guard lock(all.mutex);
  if (stream == nullptr) {
    auto& own = all.of_device[current_device()];
    if (!own) own = all.make(current_device());
    return own.get();
  }
  const bool is_known =
      std::any_of(all.made.begin(), all.made.end(), [&](const auto& made) { return made.get() == stream; });
  return is_known ? stream : nullptr;
}

cudaError_t synchronize_device() {
  Streams& all = streams();
  const std::lock_guard lock(all.mutex);  // nobody destroys one meanwhile
  cudaError_t first = cudaSuccess;
  const auto synchronize = [&](CUstream_st& stream) {
    const cudaError_t error = stream.device() == current_device() ? stream.synchronize() : cudaSuccess;
    if (first == cudaSuccess) first = error;
  };
  for (const auto& stream : all.made) synchronize(*stream);
  for (const auto& [device, stream] : all.of_device) synchronize(*stream);
  return first;
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
  const cudaStream_t known = resolve(stream);
  if (known == nullptr) throw std::invalid_argument("not a stream");
  known->enqueue(Touches::device_memory, std::move(work));
}

}  // namespace eightfold::simt
