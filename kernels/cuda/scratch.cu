#include "kernels/buffer.hpp"
#include "kernels/cuda/scratch.hpp"

#include <map>
#include <mutex>
#include <utility>

namespace eightfold::kernels::cuda {

double* partials_of(StreamView stream) {
  using Key = std::pair<int, void*>;
  static std::mutex mutex;
  // Never destroyed: at exit the CUDA runtime may be gone before the buffers.
  static auto* const buffers = new std::map<Key, Buffer<double>>;
  const std::lock_guard lock(mutex);
  Buffer<double>& buffer = (*buffers)[Key{stream.device().index, stream.handle()}];
  if (buffer.size() == 0) buffer = Buffer<double>(stream.device(), kPartials);
  return buffer.data();
}

}  // namespace eightfold::kernels::cuda
