#include "kernels/buffer.hpp"
#include "kernels/cuda/scratch.hpp"

#include <map>
#include <mutex>

namespace eightfold::kernels::cuda {
namespace {

struct Partials {
  std::mutex mutex;
  std::map<void*, Buffer<double>> of_stream;
};

// Never destroyed: at exit the CUDA runtime may be gone before the buffers of streams that still live.
Partials& partials() {
  static auto& result = *new Partials;
  return result;
}

}  // namespace

double* partials_of(StreamView stream) {
  const std::lock_guard lock(partials().mutex);
  Buffer<double>& buffer = partials().of_stream[stream.handle()];
  if (buffer.size() == 0) buffer = Buffer<double>(stream.device(), kPartials);
  return buffer.data();
}

void release_partials(void* stream) noexcept {
  const std::lock_guard lock(partials().mutex);
  partials().of_stream.erase(stream);
}

}  // namespace eightfold::kernels::cuda
