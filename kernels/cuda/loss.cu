#include "kernels/cuda/block.hpp"
#include "kernels/cuda/scratch.hpp"
#include "kernels/operations.hpp"

#include <algorithm>
#include <cmath>

// Bitwise reproducible: rows are divided among blocks by their number alone, and the blocks' sums are added
// in a fixed order.

namespace eightfold::kernels::cuda {
namespace {

struct Loss {
  const float* logits;
  const std::int32_t* labels;
  std::int64_t rows, samples, classes;
  float weight;
  float* dlogits;  // may be null, may be the logits
};

// What rows add to the totals.
struct Totals {
  double loss, correct;
};

// A warp per row while its lanes have at most 32 classes each; then a block of eight.
LaunchShape row_shape(const Loss& loss) {
  constexpr std::int64_t kMaxBlocks = kPartials * sizeof(double) / sizeof(Totals);
  const auto blocks = static_cast<unsigned>(std::min(loss.rows, kMaxBlocks));
  return {dim3(blocks), dim3(loss.classes <= 32 * kWarp ? kWarp : 8 * kWarp)};
}

// Shared memory of a row's reductions.
struct Room {
  double* sum;
  float* maximum;
  std::int64_t* index;
};

// What a row's gradient is made of.
struct Softmax {
  float maximum;
  double sum;  // of exp(logit - maximum)
};

// The whole block. NaN loses every comparison, but makes the sum NaN.
__device__ Softmax softmax_of(const float* row, std::int64_t classes, const Room& room) {
  float maximum = -INFINITY;
  for (std::int64_t c = threadIdx.x; c < classes; c += blockDim.x) maximum = fmaxf(maximum, row[c]);
  maximum = block_reduce(maximum, room.maximum, Largest{});
  double sum = 0;
  for (std::int64_t c = threadIdx.x; c < classes; c += blockDim.x)
    sum += static_cast<double>(expf(row[c] - maximum));
  return {maximum, block_reduce(sum, room.sum, Add{})};
}

// The first class whose logit is the maximum; `classes` if none is.
__device__ std::int64_t predicted_class(const float* row, std::int64_t classes, float maximum,
                                        const Room& room) {
  std::int64_t first = classes;
  for (std::int64_t c = threadIdx.x; c < classes && first == classes; c += blockDim.x)
    if (row[c] == maximum) first = c;
  return block_reduce(first, room.index, Smallest{});
}

// The whole block takes one row. Every thread reads the logits before any writes the gradient that may take
// their place: the reductions stand between.
__device__ Totals row_loss(const Loss& loss, std::int64_t index, const Room& room) {
  const float* row = loss.logits + index * loss.classes;
  const std::int32_t label = loss.labels[index];
  const bool is_valid = label >= 0 && label < loss.classes;
  const double own = is_valid ? static_cast<double>(row[label]) : static_cast<double>(NAN);
  const Softmax softmax = softmax_of(row, loss.classes, room);
  const std::int64_t predicted = predicted_class(row, loss.classes, softmax.maximum, room);
  if (loss.dlogits != nullptr) {
    float* gradient = loss.dlogits + index * loss.classes;
    const auto factor = static_cast<float>(static_cast<double>(loss.weight) / softmax.sum);
    for (std::int64_t c = threadIdx.x; c < loss.classes; c += blockDim.x)
      gradient[c] = factor * expf(row[c] - softmax.maximum) - (c == label ? loss.weight : 0.0F);
  }
  return {log(softmax.sum) + static_cast<double>(softmax.maximum) - own, predicted == label ? 1.0 : 0.0};
}

// Stage one: a block's rows, in ascending order.
__global__ void rows_kernel(Loss loss, Totals* partial) {
  SHARED_ARRAY(double, sums, kMaxWarps);
  SHARED_ARRAY(float, maxima, kMaxWarps);
  SHARED_ARRAY(std::int64_t, indices, kMaxWarps);
  const Room room{sums, maxima, indices};
  Totals totals{0, 0};
  for (std::int64_t row = blockIdx.x; row < loss.samples; row += gridDim.x) {
    const Totals more = row_loss(loss, row, room);
    totals.loss += more.loss;
    totals.correct += more.correct;
  }
  if (threadIdx.x == 0) partial[blockIdx.x] = totals;
  if (loss.dlogits == nullptr) return;
  for (std::int64_t row = loss.samples + blockIdx.x; row < loss.rows; row += gridDim.x)
    for (std::int64_t c = threadIdx.x; c < loss.classes; c += blockDim.x)
      loss.dlogits[row * loss.classes + c] = 0;
}

// Stage two: one block adds up.
__global__ void totals_kernel(const Totals* partial, std::int64_t count, Totals* totals) {
  SHARED_ARRAY(double, room, kMaxWarps);
  Totals sum{0, 0};
  for (std::int64_t i = threadIdx.x; i < count; i += blockDim.x) {
    sum.loss += partial[i].loss;
    sum.correct += partial[i].correct;
  }
  const double loss = block_reduce(sum.loss, room, Add{});
  const double correct = block_reduce(sum.correct, room, Add{});
  if (threadIdx.x != 0) return;
  totals->loss += loss;
  totals->correct += correct;
}

}  // namespace

void softmax_cross_entropy(StreamView stream, ConstTensor logits, ConstTensor labels, std::int64_t samples,
                           float weight, Tensor totals, Tensor dlogits) {
  const Loss loss{logits.as<float>(),
                  labels.as<std::int32_t>(),
                  logits.shape()[0],
                  samples,
                  logits.shape()[1],
                  weight,
                  dlogits.is_absent() ? nullptr : dlogits.as<float>()};
  if (loss.rows == 0) return;
  auto* partial = reinterpret_cast<Totals*>(partials_of(stream));
  const LaunchShape shape = row_shape(loss);
  launch(stream, shape, rows_kernel, loss, partial);
  launch(stream, {dim3(1), dim3(8 * kWarp)}, totals_kernel, partial, static_cast<std::int64_t>(shape.grid.x),
         reinterpret_cast<Totals*>(totals.as<double>()));
}

}  // namespace eightfold::kernels::cuda
