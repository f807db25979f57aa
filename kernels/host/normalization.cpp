#include "kernels/host/parallel.hpp"
#include "kernels/operations.hpp"

#include <cmath>
#include <vector>

namespace eightfold::kernels::host {
namespace {

// The part of [0, channels) from which `offset` channels further on is still a channel.
struct Overlap {
  std::int64_t first, last;
};
Overlap overlap(std::int64_t channels, std::int64_t offset) {
  return {std::max<std::int64_t>(0, -offset), std::min(channels, channels - offset)};
}

// window[c] = start + factor * sum over the window centred on c of value(j). One SIMD pass per position of
// the window rather than one window per channel.
template <class Value>
void sum_windows(const LocalResponse& parameters, std::int64_t channels, float start, float factor,
                 const Value& value, float* window) {
  const std::int64_t half = parameters.size / 2;
  std::fill(window, window + channels, 0.0F);
  for (std::int64_t offset = -half; offset <= half; ++offset) {
    const Overlap part = overlap(channels, offset);  // whole: clang 16 has no structured bindings under omp
#pragma omp simd
    for (std::int64_t c = part.first; c < part.last; ++c) window[c] += value(c + offset);
  }
#pragma omp simd
  for (std::int64_t c = 0; c < channels; ++c) window[c] = start + factor * window[c];
}

// s_c of the header.
void norms(const LocalResponse& parameters, std::int64_t channels, const float* x, float* s) {
  const float factor = parameters.alpha / static_cast<float>(parameters.size);
  sum_windows(
      parameters, channels, parameters.k, factor, [x](std::int64_t j) { return x[j] * x[j]; }, s);
}

// power[c] = s[c]^-beta; the exponent that everybody uses needs no logarithm.
void inverse_powers(float beta, std::int64_t channels, const float* s, float* power) {
  if (beta == 0.75F) {
#pragma omp simd
    for (std::int64_t c = 0; c < channels; ++c) {
      const float root = std::sqrt(s[c]);
      power[c] = 1 / (root * std::sqrt(root));
    }
    return;
  }
  for (std::int64_t c = 0; c < channels; ++c) power[c] = std::pow(s[c], -beta);
}

// Scratch of a thread, grown to the largest number of channels it has met.
float* scratch(std::int64_t elements) {
  thread_local std::vector<float> memory;
  if (memory.size() < static_cast<std::size_t>(elements)) memory.resize(static_cast<std::size_t>(elements));
  return memory.data();
}

// The innermost extent.
std::int64_t channels_of(ConstTensor x) {
  return x.shape()[x.shape().rank() - 1];
}

}  // namespace

void local_response_forward(StreamView, const LocalResponse& parameters, ConstTensor x, Tensor y) {
  if (x.elements() == 0) return;
  const std::int64_t channels = channels_of(x);
  const float* from = x.as<float>();
  float* to = y.as<float>();
  for_each_range(x.elements() / channels, channels * parameters.size,
                 [&](std::int64_t first, std::int64_t last) {
                   float* s = scratch(channels);
                   for (std::int64_t i = first * channels; i < last * channels; i += channels) {
                     norms(parameters, channels, from + i, s);
                     inverse_powers(parameters.beta, channels, s, to + i);
#pragma omp simd
                     for (std::int64_t c = 0; c < channels; ++c) to[i + c] *= from[i + c];
                   }
                 });
}

// dx_j = dy_j s_j^-beta - 2 alpha beta / size x_j sum over the windows that hold j of dy_c x_c s_c^(-beta -
// 1).
void local_response_backward(StreamView, const LocalResponse& parameters, ConstTensor x, ConstTensor dy,
                             Tensor dx) {
  if (x.elements() == 0) return;
  const std::int64_t channels = channels_of(x);
  const float* from = x.as<float>();
  const float* gradient = dy.as<float>();
  float* to = dx.as<float>();
  const float factor = -2 * parameters.alpha * parameters.beta / static_cast<float>(parameters.size);
  for_each_range(
      x.elements() / channels, 2 * channels * parameters.size, [&](std::int64_t first, std::int64_t last) {
        float* s = scratch(3 * channels);
        float* power = s + channels;
        float* ratio = power + channels;
        for (std::int64_t i = first * channels; i < last * channels; i += channels) {
          norms(parameters, channels, from + i, s);
          inverse_powers(parameters.beta, channels, s, power);
#pragma omp simd
          for (std::int64_t c = 0; c < channels; ++c)
            ratio[c] = gradient[i + c] * from[i + c] * power[c] / s[c];
          sum_windows(
              parameters, channels, 0, factor, [ratio](std::int64_t j) { return ratio[j]; }, to + i);
#pragma omp simd
          for (std::int64_t c = 0; c < channels; ++c)
            to[i + c] = gradient[i + c] * power[c] + from[i + c] * to[i + c];
        }
      });
}

}  // namespace eightfold::kernels::host
