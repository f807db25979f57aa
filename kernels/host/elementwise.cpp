#include "kernels/elementwise_functors.hpp"
#include "kernels/host/parallel.hpp"
#include "kernels/host/philox_lanes.hpp"
#include "kernels/operations.hpp"

#include <algorithm>
#include <array>

namespace eightfold::kernels::host {
namespace {

// Groups [first, last): many at once where all their elements exist.
void drop_groups(const Dropout& functor, std::int64_t first, std::int64_t last) {
  const Dropout local = functor;
  std::int64_t group = first;
  while (group < last) {
    const std::int64_t start = local.start(group);
    if (group + PhiloxLanes::kLanes > last || start < 0 || start + PhiloxLanes::kWords > local.count) {
      local(group++);
      continue;
    }
    alignas(64) std::uint32_t words[PhiloxLanes::kWords];
    PhiloxLanes(local.key, local.block(group)).store(words);
#pragma omp simd
    for (int i = 0; i < PhiloxLanes::kWords; ++i) local.element(start + i, words[i]);
    group += PhiloxLanes::kLanes;
  }
}

// Scales or shifts repeated until they are long enough for a SIMD loop.
class Pattern {
 public:
  Pattern(ConstTensor channels, std::int64_t period) : values_(channels.as<float>()) {
    if (period == channels.elements()) return;
    for (std::int64_t i = 0; i < period; ++i)
      repeated_[static_cast<std::size_t>(i)] = values_[i % channels.elements()];
    values_ = repeated_.data();
  }
  Pattern(const Pattern&) = delete;  // points into itself
  const float* data() const { return values_; }

  static std::int64_t period(std::int64_t channels) {
    return channels >= kEnough ? channels : (kEnough + channels - 1) / channels * channels;
  }

 private:
  static constexpr std::int64_t kEnough = 64;
  const float* values_;
  std::array<float, 2 * kEnough> repeated_;
};

}  // namespace

void fill(StreamView stream, float value, Tensor y) {
  for_each_element(stream, y.elements(), Fill{value, y.as<float>()});
}

void add_scaled(StreamView stream, float alpha, ConstTensor x, Tensor y) {
  for_each_element(stream, y.elements(), AddScaled{alpha, x.as<float>(), y.as<float>()});
}

void bytes_to_float(StreamView, ConstTensor x, ConstTensor scale, ConstTensor shift, Tensor y) {
  const std::int64_t channels = y.shape()[y.shape().rank() - 1];
  if (y.elements() == 0) return;
  // Three channels fill no vector, and i % channels takes a division. A pattern of whole repetitions needs
  // neither.
  const std::int64_t count = y.elements(), period = Pattern::period(channels);
  const Pattern scales(scale, period), shifts(shift, period);
  const BytesToFloat functor{period, x.as<std::uint8_t>(), scales.data(), shifts.data(), y.as<float>()};
  for_each_range((count + period - 1) / period, period, [&](std::int64_t begin, std::int64_t end) {
    const BytesToFloat local = functor;
    for (std::int64_t first = begin * period; first < std::min(end * period, count); first += period) {
      const std::int64_t length = std::min(period, count - first);
#pragma omp simd
      for (std::int64_t i = 0; i < length; ++i) local.element(first + i, i);
    }
  });
}

void pointwise_forward(StreamView stream, Pointwise function, ConstTensor x, Tensor y) {
  with_forward(function, x, y, [&](const auto& functor) { for_each_element(stream, y.elements(), functor); });
}

void pointwise_backward(StreamView stream, Pointwise function, ConstTensor y, ConstTensor dy, Tensor dx) {
  with_backward(function, y, dy, dx,
                [&](const auto& functor) { for_each_element(stream, dx.elements(), functor); });
}

void dropout(StreamView, const DropoutMask& mask, ConstTensor x, Tensor y) {
  const Dropout functor(mask, x.as<float>(), y.as<float>(), y.elements());
  for_each_range(functor.groups(), Dropout::kGroup,
                 [&](std::int64_t first, std::int64_t last) { drop_groups(functor, first, last); });
}

}  // namespace eightfold::kernels::host
