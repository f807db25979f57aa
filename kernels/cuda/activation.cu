#include "kernels/cuda/activation.hpp"
#include "kernels/cuda/parallel.hpp"

#include <algorithm>

// Bitwise reproducible: sums of columns are taken over chunks of rows that depend on the shape alone, and
// added in the order of the chunks.

namespace eightfold::kernels::cuda {
namespace {

// A block of the column sums: a warp reads 32 neighbouring columns of a row, eight warps take every eighth
// row.
constexpr unsigned kColumns = 32, kRowLanes = 8;

// Chunks of rows, so that the first layers of a network, all rows and few columns, fill a device too. Each
// thread gets at least eight rows; the second stage adds up to 256 sums one after the other.
std::int64_t chunk_count(std::int64_t rows) {
  constexpr std::int64_t kRowsPerChunk = 8 * kRowLanes, kMaxChunks = 256;
  return std::clamp<std::int64_t>((rows + kRowsPerChunk - 1) / kRowsPerChunk, 1, kMaxChunks);
}

template <Activation kActivation>
__device__ float activated(float x) {
  if constexpr (kActivation == Activation::relu) return x < 0 ? 0 : x;  // NaN stays
  return x;
}

template <Activation kActivation>
__global__ void add_bias_kernel(std::int64_t count, std::int64_t width, const float* bias, float* y) {
  ChannelWalk walk(first_index(), index_stride(), width);
  for (std::int64_t i = first_index(); i < count; i += index_stride(), walk.advance())
    y[i] = activated<kActivation>(y[i] + bias[walk.channel()]);
}

// The same for rows of whole packets: `count` and `width` in packets.
template <Activation kActivation>
__global__ void add_bias_packet_kernel(std::int64_t count, std::int64_t width, const Packet<float>* bias,
                                       Packet<float>* y) {
  ChannelWalk walk(first_index(), index_stride(), width);
  for (std::int64_t i = first_index(); i < count; i += index_stride(), walk.advance()) {
    Packet<float> result = y[i];
    const Packet<float> added = bias[walk.channel()];
#pragma unroll
    for (int j = 0; j < kPacket; ++j)
      result.value[j] = activated<kActivation>(result.value[j] + added.value[j]);
    y[i] = result;
  }
}

template <Activation kActivation>
void add_bias_of(StreamView stream, const float* bias, std::int64_t rows, std::int64_t width, float* y) {
  const std::int64_t count = rows * width;
  if (width % kPacket == 0 && is_packet_aligned(bias) && is_packet_aligned(y)) {
    launch(stream, loop_shape(stream, count / kPacket), add_bias_packet_kernel<kActivation>, count / kPacket,
           width / kPacket, reinterpret_cast<const Packet<float>*>(bias),
           reinterpret_cast<Packet<float>*>(y));
  } else {
    launch(stream, loop_shape(stream, count), add_bias_kernel<kActivation>, count, width, bias, y);
  }
}

// Stage one: undoes the activation in dy and sums a chunk of rows. Grid: column tiles by chunks.
template <Activation kActivation>
__global__ void column_partials_kernel(std::int64_t rows, std::int64_t width, const float* y, float* dy,
                                       float* partial) {
  SHARED_ARRAY(float, sums, kColumns* kRowLanes);
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * kColumns + threadIdx.x;
  const std::int64_t share = (rows + gridDim.y - 1) / gridDim.y;
  const std::int64_t first = blockIdx.y * share;
  const std::int64_t last = first + share < rows ? first + share : rows;
  float sum = 0;
  if (column < width)
    for (std::int64_t row = first + threadIdx.y; row < last; row += kRowLanes) {
      const std::int64_t i = row * width + column;
      float gradient = dy[i];
      if constexpr (kActivation == Activation::relu) {
        gradient = y[i] > 0 ? gradient : 0.0F;
        dy[i] = gradient;
      }
      sum += gradient;
    }
  sums[threadIdx.y * kColumns + threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || column >= width) return;
  for (unsigned lane = 1; lane < kRowLanes; ++lane) sum += sums[lane * kColumns + threadIdx.x];
  partial[blockIdx.y * width + column] = sum;
}

// Stage two: a thread per column.
__global__ void column_sums_kernel(std::int64_t width, std::int64_t chunks, bool accumulates,
                                   const float* partial, float* dbias) {
  for (std::int64_t column = first_index(); column < width; column += index_stride()) {
    float sum = 0;
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) sum += partial[chunk * width + column];
    dbias[column] = accumulates ? dbias[column] + sum : sum;
  }
}

LaunchShape column_shape(std::int64_t width, std::int64_t chunks) {
  return {dim3(static_cast<unsigned>((width + kColumns - 1) / kColumns), static_cast<unsigned>(chunks)),
          dim3(kColumns, kRowLanes)};
}

}  // namespace

void add_bias(StreamView stream, const float* bias, std::int64_t rows, std::int64_t width,
              Activation activation, float* y) {
  if (rows == 0) return;
  const auto add =
      activation == Activation::relu ? &add_bias_of<Activation::relu> : &add_bias_of<Activation::identity>;
  add(stream, bias, rows, width, y);
}

BiasGradient::BiasGradient(Device device, std::int64_t rows, std::int64_t width, Activation activation)
    : rows_(rows),
      width_(width),
      chunks_(chunk_count(rows)),
      activation_(activation),
      partial_(device, static_cast<std::size_t>(chunks_ * width)) {}

void BiasGradient::operator()(StreamView stream, const float* y, float* dy, GradientMode mode, float* dbias) {
  const auto kernel = activation_ == Activation::relu ? &column_partials_kernel<Activation::relu>
                                                      : &column_partials_kernel<Activation::identity>;
  launch(stream, column_shape(width_, chunks_), kernel, rows_, width_, y, dy, partial_.data());
  launch(stream, loop_shape(stream, width_), column_sums_kernel, width_, chunks_,
         mode == GradientMode::accumulate, partial_.data(), dbias);
}

}  // namespace eightfold::kernels::cuda
