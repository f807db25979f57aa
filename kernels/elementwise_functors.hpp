#pragma once

// The elementwise operations for one element, written once. The host runs these functors in SIMD loops, a GPU
// in grid-stride kernels. Each computes the element (or group of elements) of one index and touches no other.
// each_operand() shows a visitor the arrays that are indexed so. A GPU moves four elements of each at once
// and lets the functor work on copies in registers.

#include "kernels/elementwise.hpp"
#include "kernels/float16.hpp"
#include "kernels/random.hpp"

#include <cmath>
#include <cstdint>

namespace eightfold::kernels {

struct Fill {
  float value;
  float* y;
  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t i) const { y[i] = value; }
  template <class Visit>
  EIGHTFOLD_HOST_DEVICE void each_operand(Visit& visit) {
    visit(y);
  }
};

struct AddScaled {
  float alpha;
  const float* x;
  float* y;
  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t i) const { y[i] = alpha * x[i] + y[i]; }
  template <class Visit>
  EIGHTFOLD_HOST_DEVICE void each_operand(Visit& visit) {
    visit(x);
    visit(y);
  }
};

// The functions of Pointwise: the value, and the gradient by x from the value y and the gradient dy by it.
struct Relu {
  EIGHTFOLD_HOST_DEVICE static float value(float x) { return x < 0 ? 0 : x; }
  EIGHTFOLD_HOST_DEVICE static float gradient(float y, float dy) { return y > 0 ? dy : 0; }
};

// tanh(x) = -t / (2 + t) with t = exp(-2 |x|) - 1, which loses no digits where x is small. A call of the
// library would not: host and device round theirs differently.
struct Tanh {
  EIGHTFOLD_HOST_DEVICE static float value(float x) {
    const float size = std::fabs(x) > kSaturated ? kSaturated : std::fabs(x);
    const float t = exponential_minus_one(-2 * size);
    return std::copysign((0 - t) / (2 + t), x);
  }
  EIGHTFOLD_HOST_DEVICE static float gradient(float y, float dy) { return dy * (1 - y * y); }

 private:
  static constexpr float kSaturated = 10;  // beyond it tanh rounds to 1

  // exp(x) - 1 for x from -20 to 0. With x = n log 2 + r it is 2^n (exp(r) - 1) + (2^n - 1); the minimax
  // polynomial has a relative error of 1.4e-8.
  EIGHTFOLD_HOST_DEVICE static float exponential_minus_one(float x) {
    constexpr float kToInteger = 0x1.8p23F;  // the sum's last bits are x / log 2, rounded
    constexpr float kLog2High = 0x1.62e4p-1F, kLog2Low = 1.428606765330187e-06F;
    const float shifted = x * 1.4426950408889634F + kToInteger;
    const float n = shifted - kToInteger;
    const float r = (x - n * kLog2High) - n * kLog2Low;
    float sum = 0.0013882515486329794F;
    sum = sum * r + 0.008366547524929047F;
    sum = sum * r + 0.04166720062494278F;
    sum = sum * r + 0.1666654348373413F;
    sum = sum * r + 0.4999999701976776F;
    const float power = bit_cast<float>((bit_cast<std::uint32_t>(shifted) << 23) + 0x3F800000U);
    return power * (r + r * r * sum) + (power - 1);
  }
};

template <class Function>
struct PointwiseForward {
  const float* x;
  float* y;
  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t i) const { y[i] = Function::value(x[i]); }
  template <class Visit>
  EIGHTFOLD_HOST_DEVICE void each_operand(Visit& visit) {
    visit(x);
    visit(y);
  }
};

template <class Function>
struct PointwiseBackward {
  const float* y;
  const float* dy;
  float* dx;
  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t i) const { dx[i] = Function::gradient(y[i], dy[i]); }
  template <class Visit>
  EIGHTFOLD_HOST_DEVICE void each_operand(Visit& visit) {
    visit(y);
    visit(dy);
    visit(dx);
  }
};

// Calls run() with the functions of a Pointwise.
template <class Run>
void with_functions(Pointwise function, const Run& run) {
  switch (function) {
    case Pointwise::relu:
      return run(Relu());
    case Pointwise::tanh:
      return run(Tanh());
  }
}

// Calls run() with the functor of a pass.
template <class Run>
void with_forward(Pointwise function, ConstTensor x, Tensor y, const Run& run) {
  with_functions(function, [&]<class Function>(Function) {
    run(PointwiseForward<Function>{x.as<float>(), y.as<float>()});
  });
}
template <class Run>
void with_backward(Pointwise function, ConstTensor y, ConstTensor dy, Tensor dx, const Run& run) {
  with_functions(function, [&]<class Function>(Function) {
    run(PointwiseBackward<Function>{y.as<float>(), dy.as<float>(), dx.as<float>()});
  });
}

struct BytesToFloat {
  std::int64_t channels;
  const std::uint8_t* x;
  const float* scale;
  const float* shift;
  float* y;
  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t i) const { element(i, i % channels); }
  // The same where the channel is known.
  EIGHTFOLD_HOST_DEVICE void element(std::int64_t i, std::int64_t channel) const {
    y[i] = scale[channel] * static_cast<float>(x[i]) + shift[channel];
  }
};

// Works on aligned groups of four random numbers, the words of one Philox block. Group g holds the elements
// 4 g - first % 4 and the three after it, as far as they exist.
struct Dropout {
  RandomKey key;
  std::uint64_t first;
  std::uint32_t dropped;  // words below this, of the upper 24 bits, drop
  float scale;
  const float* x;
  float* y;
  std::int64_t count;

  static constexpr std::int64_t kGroup = 4;

  Dropout(const DropoutMask& mask, const float* from, float* to, std::int64_t elements)
      : key(mask.key),
        first(mask.first),
        dropped(static_cast<std::uint32_t>(mask.rate * 0x1p24F)),
        scale(1 / (1 - mask.rate)),
        x(from),
        y(to),
        count(elements) {}

  EIGHTFOLD_HOST_DEVICE std::int64_t lead() const { return static_cast<std::int64_t>(first % kGroup); }
  EIGHTFOLD_HOST_DEVICE std::int64_t groups() const { return (lead() + count + kGroup - 1) / kGroup; }

  EIGHTFOLD_HOST_DEVICE std::uint64_t block(std::int64_t group) const {
    return first / kGroup + static_cast<std::uint64_t>(group);
  }
  EIGHTFOLD_HOST_DEVICE std::int64_t start(std::int64_t group) const { return kGroup * group - lead(); }

  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t group) const {
    const RandomWords random = philox(key, block(group));
    for (int j = 0; j < kGroup; ++j) {
      const std::int64_t i = start(group) + j;
      if (i >= 0 && i < count) element(i, random.word[j]);
    }
  }
  EIGHTFOLD_HOST_DEVICE void element(std::int64_t i, std::uint32_t word) const {
    y[i] = (word >> 8) < dropped ? 0 : scale * x[i];
  }
};

}  // namespace eightfold::kernels
