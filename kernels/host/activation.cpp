#include "kernels/host/activation.hpp"

#include "kernels/host/parallel.hpp"

#include <limits>

namespace eightfold::kernels::host {
namespace {

// Fixed, so that the number of threads does not show in a sum; enough for that many threads.
constexpr std::int64_t kChunks = 64;

template <Activation kActivation>
void add_rows(const float* y, float* dy, std::int64_t rows, std::int64_t width, float* sum) {
  for (std::int64_t row = 0; row < rows; ++row, y += width, dy += width) {
#pragma omp simd
    for (std::int64_t column = 0; column < width; ++column) {
      const float gradient = kActivation == Activation::identity || y[column] > 0 ? dy[column] : 0.0F;
      if constexpr (kActivation != Activation::identity) dy[column] = gradient;
      sum[column] += gradient;
    }
  }
}

}  // namespace

void add_bias(const float* bias, std::int64_t rows, std::int64_t width, Activation activation, float* y) {
  const float floor = activation == Activation::relu ? 0.0F : -std::numeric_limits<float>::infinity();
  for_each_range(rows, width, [&](std::int64_t first, std::int64_t last) {
    for (float* row = y + first * width; row < y + last * width; row += width) {
#pragma omp simd
      for (std::int64_t column = 0; column < width; ++column) {
        const float sum = row[column] + bias[column];
        row[column] = sum < floor ? floor : sum;  // NaN stays
      }
    }
  });
}

BiasGradient::BiasGradient(std::int64_t rows, std::int64_t width, Activation activation)
    : rows_(rows),
      width_(width),
      activation_(activation),
      partial_(static_cast<std::size_t>(kChunks * width)) {}

void BiasGradient::operator()(const float* y, float* dy, GradientMode mode, float* dbias) {
  const std::int64_t share = (rows_ + kChunks - 1) / kChunks;
  const auto add =
      activation_ == Activation::relu ? &add_rows<Activation::relu> : &add_rows<Activation::identity>;
  for_each_range(kChunks, share * width_, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t chunk = begin; chunk < end; ++chunk) {
      const std::int64_t first = std::min(chunk * share, rows_), last = std::min(first + share, rows_);
      float* sum = partial_.data() + chunk * width_;
      std::fill(sum, sum + width_, 0.0F);
      add(y + first * width_, dy + first * width_, last - first, width_, sum);
    }
  });
  if (mode == GradientMode::overwrite) std::fill(dbias, dbias + width_, 0.0F);
  for (std::int64_t chunk = 0; chunk < kChunks; ++chunk) {
    const float* sum = partial_.data() + chunk * width_;
#pragma omp simd
    for (std::int64_t column = 0; column < width_; ++column) dbias[column] += sum[column];
  }
}

}  // namespace eightfold::kernels::host
