#include "kernels/host/parallel.hpp"
#include "kernels/operations.hpp"

#include <cmath>

namespace eightfold::kernels::host {
namespace {

// Sixteen running sums, so that the order of additions is the same whatever SIMD the compiler finds.
double sum_of_squares(const float* x, std::int64_t first, std::int64_t last) {
  constexpr std::int64_t kLanes = 16;
  double lane[kLanes] = {};
  std::int64_t i = first;
  for (; i + kLanes <= last; i += kLanes)
    for (std::int64_t j = 0; j < kLanes; ++j)
      lane[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
  for (std::int64_t j = 0; i < last; ++i, ++j)
    lane[j] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  double sum = 0;
  for (const double part : lane) sum += part;
  return sum;
}

}  // namespace

void sum_of_squares(StreamView, ConstTensor x, Tensor out) {
  const float* values = x.as<float>();
  *out.as<double>() = sum_over_chunks(x.elements(), 1, [values](std::int64_t first, std::int64_t last) {
    return sum_of_squares(values, first, last);
  });
}

void clip_scale(StreamView, ConstTensor sum_of_squares, float max_norm, Tensor scale) {
  // A NaN norm is not <= max_norm: the scale is NaN and shows, instead of passing as 1.
  const double norm = std::sqrt(*sum_of_squares.as<double>());
  *scale.as<float>() = norm <= max_norm ? 1.0F : static_cast<float>(max_norm / norm);
}

}  // namespace eightfold::kernels::host
