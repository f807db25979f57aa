#include "kernels/pooling.hpp"

#include "tests/kernels/cuda/support.hpp"

#include <limits>

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

void check_pooling(const PoolingShape& shape, const Floats& x) {
  const Shape out{shape.batch, shape.out_height(), shape.out_width(), shape.channels};
  const Shape in{shape.batch, shape.height, shape.width, shape.channels};
  check_bits(
      shape.channels % 2,
      [&](StreamView stream, Tensor from, Tensor dy, Tensor y, Tensor dx) {
        const auto pooling = plan_pooling(stream.device(), shape);
        pooling->forward(stream, from, y);
        pooling->backward(stream, dy, dx);
        stream.synchronize();
      },
      x, random_floats(out, 2), Floats(out, 77.0F), Floats(in, 77.0F));
}

// Few distinct values: maxima are often equal.
Floats rounded_floats(const Shape& shape) {
  Floats x = random_floats(shape, 1);
  for (float& value : x.values()) value = std::round(2 * value);
  return x;
}

}  // namespace

TEST_CASE(
    "pooling on a GPU has the bits of the host for windows that touch, overlap, leave gaps and hang over") {
  const PoolingMode mode = GENERATE(PoolingMode::max, PoolingMode::average);
  const auto [kernel, stride, padding] = GENERATE(table<int, int, int>(
      {{1, 1, 0}, {2, 2, 0}, {3, 2, 0}, {3, 2, 1}, {3, 1, 2}, {2, 3, 1}, {5, 5, 0}, {5, 3, 4}}));
  const int channels = GENERATE(1, 3, 35, 300);
  check_pooling({2, 7, 5, channels, kernel, stride, padding, mode}, rounded_floats(Shape{2, 7, 5, channels}));
}

TEST_CASE("windows of more than 255 elements keep their positions apart on a GPU") {
  Floats x = random_floats(Shape{1, 20, 20, 3}, 1);
  x[(19 * 20 + 18) * 3 + 1] = 5;
  check_pooling({1, 20, 20, 3, 20, 20, 0, PoolingMode::max}, x);
}

TEST_CASE("NaN and infinity pool on a GPU as on the host") {
  Floats x(Shape{1, 4, 4, 2}, -std::numeric_limits<float>::infinity());
  for (const std::int64_t i : {0, 6, 7, 20}) x[i] = std::numeric_limits<float>::quiet_NaN();
  check_pooling({1, 4, 4, 2, 2, 1, 0, PoolingMode::max}, x);
}

TEST_CASE("an empty batch pools on a GPU") {
  check_pooling({0, 4, 4, 3, 2, 2, 0, PoolingMode::max}, Floats(Shape{0, 4, 4, 3}));
  check_pooling({0, 4, 4, 3, 2, 2, 0, PoolingMode::average}, Floats(Shape{0, 4, 4, 3}));
}
