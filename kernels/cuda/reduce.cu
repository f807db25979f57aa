#include "kernels/cuda/block.hpp"
#include "kernels/cuda/parallel.hpp"
#include "kernels/cuda/scratch.hpp"
#include "kernels/operations.hpp"

#include <algorithm>

// Bitwise reproducible: the division of a sum depends on the number of elements alone, not on addresses, the
// device or the order of blocks.

namespace eightfold::kernels::cuda {
namespace {

constexpr unsigned kThreads = 256;

// A block for every 16 elements a thread, up to as many as the second stage adds with 16 a thread.
std::int64_t sum_blocks(std::int64_t count) {
  constexpr std::int64_t kElementsPerBlock = 16 * kThreads;
  return std::clamp<std::int64_t>((count + kElementsPerBlock - 1) / kElementsPerBlock, 1, kPartials);
}

__device__ double square(float x) {
  return static_cast<double>(x) * static_cast<double>(x);
}

// Stage one: a partial sum per block. A thread takes the same elements whether it can load them at once or
// not.
__global__ void square_partials_kernel(const float* x, std::int64_t count, bool is_aligned, double* partial) {
  SHARED_ARRAY(double, room, kMaxWarps);
  double sum = 0;
  const std::int64_t packets = count / kPacket;
  for (std::int64_t packet = first_index(); packet < packets; packet += index_stride()) {
    const float* from = x + packet * kPacket;
    const Packet<float> loaded = is_aligned ? *reinterpret_cast<const Packet<float>*>(from)
                                            : Packet<float>{{from[0], from[1], from[2], from[3]}};
    for (int j = 0; j < kPacket; ++j) sum += square(loaded.value[j]);
  }
  if (first_index() < count % kPacket) sum += square(x[packets * kPacket + first_index()]);
  sum = block_reduce(sum, room, Add{});
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// Stage two: one block.
__global__ void sum_partials_kernel(const double* partial, std::int64_t count, double* out) {
  SHARED_ARRAY(double, room, kMaxWarps);
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < count; i += blockDim.x) sum += partial[i];
  sum = block_reduce(sum, room, Add{});
  if (threadIdx.x == 0) *out = sum;
}

// One thread: the operands are single numbers that must not leave the device.
__global__ void clip_scale_kernel(const double* sum_of_squares, float max_norm, float* scale) {
  const double norm = sqrt(*sum_of_squares);
  *scale = norm <= max_norm ? 1.0F : static_cast<float>(max_norm / norm);
}

}  // namespace

void sum_of_squares(StreamView stream, ConstTensor x, Tensor out) {
  const std::int64_t blocks = sum_blocks(x.elements());
  const float* values = x.as<float>();
  double* partial = partials_of(stream);
  launch(stream, {dim3(static_cast<unsigned>(blocks)), dim3(kThreads)}, square_partials_kernel, values,
         x.elements(), is_packet_aligned(values), partial);
  launch(stream, {dim3(1), dim3(kThreads)}, sum_partials_kernel, partial, blocks, out.as<double>());
}

void clip_scale(StreamView stream, ConstTensor sum_of_squares, float max_norm, Tensor scale) {
  launch(stream, {dim3(1), dim3(1)}, clip_scale_kernel, sum_of_squares.as<double>(), max_norm,
         scale.as<float>());
}

}  // namespace eightfold::kernels::cuda
