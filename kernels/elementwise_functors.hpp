#pragma once

// What elementwise operations do to one element, written once: the host runs these functors in SIMD loops, a
// GPU in grid-stride kernels. Each computes the element (or group of elements) of one index and touches no
// other. each_operand() shows a visitor the arrays that are indexed so: a GPU moves four elements of each at
// once and lets the functor work on copies in registers.

#include "kernels/elementwise.hpp"
#include "kernels/random.hpp"

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

struct ReluForward {
  const float* x;
  float* y;
  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t i) const { y[i] = x[i] < 0 ? 0 : x[i]; }
  template <class Visit>
  EIGHTFOLD_HOST_DEVICE void each_operand(Visit& visit) {
    visit(x);
    visit(y);
  }
};

struct ReluBackward {
  const float* y;
  const float* dy;
  float* dx;
  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t i) const { dx[i] = y[i] > 0 ? dy[i] : 0; }
  template <class Visit>
  EIGHTFOLD_HOST_DEVICE void each_operand(Visit& visit) {
    visit(y);
    visit(dy);
    visit(dx);
  }
};

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
