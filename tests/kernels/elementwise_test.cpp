#include "kernels/elementwise.hpp"

#include "tests/kernels/support.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
// Around SIMD widths, and large enough for more than one thread.
const std::vector<std::int64_t> kSizes = {0, 1, 7, 8, 17, 255, 100003};

Floats dropped(const DropoutMask& mask, Floats x) {
  Floats y(Shape{static_cast<std::int64_t>(x.size())});
  dropout(host_stream(), mask, x, y);
  return y;
}

}  // namespace

TEST_CASE("fill and add_scaled reach every element and nothing else") {
  for (const std::int64_t size : kSizes) {
    Floats y(Shape{size + 1}, 9.0F);
    fill(host_stream(), 2.0F, y.tensor().rows(0, size));
    CHECK(y[size] == 9.0F);
    Floats x = random_floats(Shape{size}, 1);
    add_scaled(host_stream(), -3.0F, x, y.tensor().rows(0, size));
    bool is_exact = true;
    for (std::int64_t i = 0; i < size; ++i) is_exact &= y[i] == -3.0F * x[i] + 2.0F;
    CHECK(is_exact);
    CHECK(y[size] == 9.0F);
  }
}

TEST_CASE("image bytes become floats with a scale and a shift for each channel") {
  Array<std::uint8_t> x(Shape{2, 3}, {0, 1, 255, 128, 7, 2});
  Floats scale(Shape{3}, {1.0F / 255, 2, -1}), shift(Shape{3}, {0, -1, 0.5F}), y(Shape{2, 3});
  bytes_to_float(host_stream(), x, scale, shift, y);
  CHECK(y.values() == std::vector<float>{0, 1, -254.5F, 128 * (1.0F / 255), 13, -1.5F});
  Floats wrong(Shape{2}), other(Shape{2});
  CHECK_THROWS_AS(bytes_to_float(host_stream(), x, wrong, other, y), eightfold::base::InternalError);
}

TEST_CASE("bytes of one channel take the one scale") {
  Array<std::uint8_t> x(Shape{5, 1}, {0, 1, 2, 3, 255});
  Floats scale(Shape{1}, 2.0F), shift(Shape{1}, 1.0F), y(Shape{5, 1});
  bytes_to_float(host_stream(), x, scale, shift, y);
  CHECK(y.values() == std::vector<float>{1, 3, 5, 7, 511});
}

TEST_CASE("each byte meets its own channel, whatever their number") {
  for (const std::int64_t channels : {1, 2, 3, 5, 63, 64, 65, 200}) {
    for (const std::int64_t pixels : {0, 1, 7, 1001}) {
      Array<std::uint8_t> x(Shape{pixels, channels});
      Floats scale = random_floats(Shape{channels}, 1), shift = random_floats(Shape{channels}, 2);
      Floats y(Shape{pixels, channels});
      for (std::int64_t i = 0; i < pixels * channels; ++i) x[i] = static_cast<std::uint8_t>(i * 37 % 256);
      bytes_to_float(host_stream(), x, scale, shift, y);
      bool is_exact = true;
      for (std::int64_t i = 0; i < pixels * channels; ++i) {
        const float product = scale[i % channels] * static_cast<float>(x[i]);
        is_exact &= y[i] == product + shift[i % channels];
      }
      CHECK(is_exact);
    }
  }
}

TEST_CASE("relu keeps what is positive and NaN") {
  Floats x(Shape{6}, {-1, -0.0F, 0, 2, kNaN, -std::numeric_limits<float>::infinity()});
  pointwise_forward(host_stream(), Pointwise::relu, x, x);
  CHECK(std::isnan(x[4]));
  x[4] = 0;
  CHECK(x.values() == std::vector<float>{0, 0, 0, 2, 0, 0});
}

TEST_CASE("the gradient passes relu where its result is positive") {
  for (const std::int64_t size : kSizes) {
    Floats y = random_floats(Shape{size}, 1), dy = random_floats(Shape{size}, 2), dx(Shape{size});
    pointwise_forward(host_stream(), Pointwise::relu, y, y);
    pointwise_backward(host_stream(), Pointwise::relu, y, dy, dx);
    bool is_exact = true;
    for (std::int64_t i = 0; i < size; ++i) is_exact &= dx[i] == (y[i] > 0 ? dy[i] : 0.0F);
    CHECK(is_exact);
  }
}

TEST_CASE("tanh is within three units in the last place, odd, monotone and never beyond 1") {
  std::vector<float> points = {
      0, 1e-42F, 1e-30F, 1e-4F, 9.0F, 10, 11, 1e30F, std::numeric_limits<float>::infinity()};
  for (int i = 1; i <= 20000; ++i) points.push_back(static_cast<float>(i) * 6e-4F);
  std::ranges::sort(points);
  const auto count = static_cast<std::int64_t>(points.size());
  Floats x(Shape{count}, points), y(Shape{count}), minus_x(Shape{count}), minus_y(Shape{count});
  for (std::int64_t i = 0; i < count; ++i) minus_x[i] = -x[i];
  pointwise_forward(host_stream(), Pointwise::tanh, x, y);
  pointwise_forward(host_stream(), Pointwise::tanh, minus_x, minus_y);
  double worst = 0;
  bool is_odd = true, is_monotone = true;
  for (std::int64_t i = 0; i < count; ++i) {
    const double exact = std::tanh(static_cast<double>(x[i]));
    const float above = std::nextafter(static_cast<float>(exact), 2.0F);
    const double unit = static_cast<double>(above) - static_cast<double>(static_cast<float>(exact));
    worst = std::max(worst, std::abs(static_cast<double>(y[i]) - exact) / unit);
    is_odd &= minus_y[i] == -y[i] && std::signbit(minus_y[i]) != std::signbit(y[i]);
    is_monotone &= i == 0 || y[i - 1] <= y[i];
  }
  CHECK(worst < 3);
  CHECK(is_odd);
  CHECK(is_monotone);
  CHECK(y[count - 1] == 1);
}

TEST_CASE("tanh keeps NaN, and its gradient follows from its result") {
  Floats x(Shape{3}, {kNaN, 0.5F, -2}), dy(Shape{3}, {1, 2, 3}), dx(Shape{3});
  pointwise_forward(host_stream(), Pointwise::tanh, x, x);
  pointwise_backward(host_stream(), Pointwise::tanh, x, dy, dx);
  CHECK(std::isnan(x[0]));
  CHECK(std::isnan(dx[0]));
  CHECK(dx[1] == 2 * (1 - x[1] * x[1]));
  CHECK(dx[2] == 3 * (1 - x[2] * x[2]));
}

TEST_CASE("dropout decides each element by its own random number") {
  const float rate = GENERATE(0.0F, 0.3F, 0.5F, 0.999F);
  for (const std::int64_t size : kSizes) {
    for (const std::uint64_t first : {0ULL, 1ULL, 2ULL, 3ULL, (1ULL << 40) + 5}) {
      const DropoutMask mask{rate, RandomKey{3, 4, 5}, first};
      Floats y = dropped(mask, Floats(Shape{size}, 2.0F));
      bool is_exact = true;
      for (std::int64_t i = 0; i < size; ++i) {
        const bool drops = uniform_from(random_word(mask.key, first + static_cast<std::uint64_t>(i))) < rate;
        is_exact &= y[i] == (drops ? 0.0F : 1 / (1 - rate) * 2.0F);
      }
      CHECK(is_exact);
    }
  }
}

TEST_CASE("dropout drops at its rate and keeps the mean") {
  constexpr std::int64_t kCount = 1 << 20;
  const float rate = 0.37F;
  const Floats y = dropped({rate, RandomKey{1, 2, 3}, 0}, Floats(Shape{kCount}, 1.0F));
  double sum = 0, zeros = 0;
  for (std::int64_t i = 0; i < kCount; ++i) {
    sum += static_cast<double>(y[i]);
    zeros += y[i] == 0;
  }
  const double deviation = std::sqrt(0.37 * 0.63 / kCount);  // of the fraction of zeros
  CHECK(std::abs(zeros / kCount - 0.37) < 5 * deviation);
  CHECK(std::abs(sum / kCount - 1) < 5 * deviation / 0.63);
}

TEST_CASE("dropout is the same however a batch is cut") {
  constexpr std::int64_t kCount = 1000;
  Floats x = random_floats(Shape{kCount}, 9);
  const Floats whole = dropped({0.5F, RandomKey{1, 1, 1}, 77}, x);
  for (const std::int64_t cut : {1, 2, 3, 4, 501, 999}) {
    Floats parts(Shape{kCount});
    dropout(host_stream(), {0.5F, RandomKey{1, 1, 1}, 77}, x.tensor().rows(0, cut),
            parts.tensor().rows(0, cut));
    dropout(host_stream(), {0.5F, RandomKey{1, 1, 1}, 77 + static_cast<std::uint64_t>(cut)},
            x.tensor().rows(cut, kCount - cut), parts.tensor().rows(cut, kCount - cut));
    CHECK(largest_difference(parts, whole) == 0);
  }
}

TEST_CASE("elementwise results do not depend on the number of threads") {
  Floats x = random_floats(Shape{300001}, 1);
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3}) {
    with_threads(threads, [&] {
      Floats y = dropped({0.25F, RandomKey{5, 6, 7}, 2}, x);
      add_scaled(host_stream(), 0.3F, x, y);
      results.push_back(y.values());
    });
  }
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}
