#include "kernels/cuda/parallel.hpp"
#include "kernels/normalization.hpp"
#include "kernels/operations.hpp"

#include <algorithm>
#include <cmath>

// Bitwise reproducible: a window is summed in ascending order of channels, as on the host.

namespace eightfold::kernels::cuda {
namespace {

struct Window {
  std::int64_t channels;
  std::int64_t half;      // channels to each side, as far as there can be any
  float factor;           // of the sum of squares
  float gradient_factor;  // of the sum of ratios
  float k, beta;

  Window(const LocalResponse& parameters, std::int64_t of)
      : channels(of),
        half(std::min(parameters.size / 2, of - 1)),
        factor(parameters.alpha / static_cast<float>(parameters.size)),
        gradient_factor(-2 * parameters.alpha * parameters.beta / static_cast<float>(parameters.size)),
        k(parameters.k),
        beta(parameters.beta) {}

  __device__ std::int64_t first(std::int64_t channel) const { return channel < half ? 0 : channel - half; }
  __device__ std::int64_t last(std::int64_t channel) const {
    return channel + half < channels ? channel + half : channels - 1;
  }
  // s_c of the header; `x` points at the element of channel c.
  __device__ float norm(const float* x, std::int64_t channel) const {
    float sum = 0;
    for (std::int64_t j = first(channel) - channel; j <= last(channel) - channel; ++j) sum += x[j] * x[j];
    return k + factor * sum;
  }
  // The exponent that everybody uses needs no logarithm.
  __device__ float inverse_power(float s) const {
    if (beta != 0.75F) return powf(s, -beta);
    const float root = sqrtf(s);
    return 1 / (root * sqrtf(root));
  }
};

// Neighbours in a window are neighbours of a warp: all but one load of each element hit the first-level
// cache.
__global__ void forward_kernel(std::int64_t count, Window window, const float* x, float* y) {
  ChannelWalk walk(first_index(), index_stride(), window.channels);
  for (std::int64_t i = first_index(); i < count; i += index_stride(), walk.advance())
    y[i] = x[i] * window.inverse_power(window.norm(x + i, walk.channel()));
}

// What an element hands to its window: dy x s^(-beta - 1), for the elements of a tile and `half` more on each
// side, in `ratio`. Without the tile every thread would compute the norms of its whole window.
__device__ void compute_ratios(const Window& window, std::int64_t count, std::int64_t tile, const float* x,
                               const float* dy, float* ratio) {
  const std::int64_t begin = tile - window.half;
  for (std::int64_t j = threadIdx.x; j < blockDim.x + 2 * window.half; j += blockDim.x) {
    const std::int64_t i = begin + j;
    if (i < 0 || i >= count) continue;
    const float s = window.norm(x + i, i % window.channels);
    ratio[j] = dy[i] * x[i] * window.inverse_power(s) / s;
  }
}

// dx_j = dy_j s_j^-beta - 2 alpha beta / size x_j sum over the windows that hold j of dy_c x_c s_c^(-beta -
// 1).
__global__ void backward_kernel(std::int64_t count, Window window, const float* x, const float* dy,
                                float* dx) {
  float* ratio = dynamic_shared<float>();
  for (std::int64_t tile = static_cast<std::int64_t>(blockIdx.x) * blockDim.x; tile < count;
       tile += index_stride()) {
    compute_ratios(window, count, tile, x, dy, ratio);
    __syncthreads();
    const std::int64_t i = tile + threadIdx.x;
    if (i < count) {
      const std::int64_t channel = i % window.channels;
      const float* own = ratio + window.half + threadIdx.x;
      float sum = 0;
      for (std::int64_t j = window.first(channel) - channel; j <= window.last(channel) - channel; ++j)
        sum += own[j];
      const float power = window.inverse_power(window.norm(x + i, channel));
      dx[i] = dy[i] * power + x[i] * (window.gradient_factor * sum);
    }
    __syncthreads();  // before the next tile overwrites the ratios
  }
}

LaunchShape backward_shape(StreamView stream, std::int64_t count, const Window& window) {
  LaunchShape shape = loop_shape(stream, count);
  shape.shared_bytes = static_cast<std::size_t>(kLoopThreads + 2 * window.half) * sizeof(float);
  constexpr std::size_t kLimit = 48 * 1024;  // what every device gives a kernel that does not ask for more
  base::require(shape.shared_bytes <= kLimit, "local_response: a window of {} channels needs {} bytes of {}",
                2 * window.half + 1, shape.shared_bytes, kLimit);
  return shape;
}

}  // namespace

void local_response_forward(StreamView stream, const LocalResponse& parameters, ConstTensor x, Tensor y) {
  if (x.elements() == 0) return;
  const Window window(parameters, x.shape()[x.shape().rank() - 1]);
  launch(stream, loop_shape(stream, x.elements()), forward_kernel, x.elements(), window, x.as<float>(),
         y.as<float>());
}

void local_response_backward(StreamView stream, const LocalResponse& parameters, ConstTensor x,
                             ConstTensor dy, Tensor dx) {
  if (x.elements() == 0) return;
  const Window window(parameters, x.shape()[x.shape().rank() - 1]);
  launch(stream, backward_shape(stream, x.elements(), window), backward_kernel, x.elements(), window,
         x.as<float>(), dy.as<float>(), dx.as<float>());
}

}  // namespace eightfold::kernels::cuda
