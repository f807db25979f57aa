#include "kernels/pooling.hpp"

#include "tests/kernels/support.hpp"
#include "tests/support/test.hpp"

#include <limits>

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

struct Images {
  Floats y, dx;
};

Images pooled(const PoolingShape& shape, Floats& x, Floats& dy) {
  const Shape in{shape.batch, shape.height, shape.width, shape.channels};
  const Shape out{shape.batch, shape.out_height(), shape.out_width(), shape.channels};
  const auto pooling = plan_pooling(kHost, shape);
  Images result{Floats(out, 77.0F), Floats(in, 77.0F)};
  pooling->forward(host_stream(), x, result.y);
  pooling->backward(host_stream(), dy, result.dx);
  return result;
}

// One output at a time, straight from the definition.
Images reference(const PoolingShape& shape, const Floats& x, const Floats& dy) {
  Images result{Floats(Shape{static_cast<std::int64_t>(dy.size())}),
                Floats(Shape{static_cast<std::int64_t>(x.size())})};
  std::int64_t output = 0;
  for (std::int64_t n = 0; n < shape.batch; ++n)
    for (std::int64_t row = 0; row < shape.out_height(); ++row)
      for (std::int64_t column = 0; column < shape.out_width(); ++column)
        for (std::int64_t c = 0; c < shape.channels; ++c, ++output) {
          std::vector<std::int64_t> inside;
          for (std::int64_t i = 0; i < shape.kernel * shape.kernel; ++i) {
            const std::int64_t h = row * shape.stride - shape.padding + i / shape.kernel;
            const std::int64_t w = column * shape.stride - shape.padding + i % shape.kernel;
            if (h >= 0 && h < shape.height && w >= 0 && w < shape.width)
              inside.push_back(((n * shape.height + h) * shape.width + w) * shape.channels + c);
          }
          if (shape.mode == PoolingMode::max) {
            const auto first = *std::max_element(inside.begin(), inside.end(),
                                                 [&](std::int64_t a, std::int64_t b) { return x[a] < x[b]; });
            result.y[output] = x[first];
            result.dx[first] += dy[output];
          } else {
            for (const std::int64_t i : inside) {
              result.y[output] += x[i] / static_cast<float>(inside.size());
              result.dx[i] += dy[output] / static_cast<float>(inside.size());
            }
          }
        }
  return result;
}

}  // namespace

TEST_CASE("pooling agrees with its definition for windows that touch, overlap, leave gaps and hang over") {
  const PoolingMode mode = GENERATE(PoolingMode::max, PoolingMode::average);
  const auto [kernel, stride, padding] = GENERATE(table<int, int, int>(
      {{1, 1, 0}, {2, 2, 0}, {3, 2, 0}, {3, 2, 1}, {3, 1, 2}, {2, 3, 1}, {5, 5, 0}, {5, 3, 4}}));
  const int channels = GENERATE(1, 3, 16, 35);
  const PoolingShape shape{2, 7, 5, channels, kernel, stride, padding, mode};
  Floats x = random_floats(Shape{2, 7, 5, channels}, 1);
  // Few distinct values: maxima are often equal.
  for (float& value : x.values()) value = std::round(2 * value);
  Floats dy = random_floats(Shape{2, shape.out_height(), shape.out_width(), channels}, 2);
  const Images is = pooled(shape, x, dy), should = reference(shape, x, dy);
  CHECK(largest_difference(is.y, should.y) < 1e-6);
  CHECK(largest_difference(is.dx, should.dx) < 2e-6);
}

TEST_CASE("windows of more than 255 elements keep their positions apart") {
  const PoolingShape shape{1, 20, 20, 3, 20, 20, 0, PoolingMode::max};
  Floats x = random_floats(Shape{1, 20, 20, 3}, 1), dy = random_floats(Shape{1, 1, 1, 3}, 2);
  x[(19 * 20 + 18) * 3 + 1] = 5;
  const Images is = pooled(shape, x, dy), should = reference(shape, x, dy);
  CHECK(is.y.values() == should.y.values());
  CHECK(is.dx.values() == should.dx.values());
  CHECK(is.dx[(19 * 20 + 18) * 3 + 1] == dy[1]);
}

TEST_CASE("NaN wins a maximum wherever it stands, and minus infinity loses none") {
  const std::int64_t at = GENERATE(0, 1, 2, 3);
  const PoolingShape shape{1, 2, 2, 1, 2, 2, 0, PoolingMode::max};
  Floats x(Shape{1, 2, 2, 1}, 1.0F), dy(Shape{1, 1, 1, 1}, 3.0F);
  x[at] = std::numeric_limits<float>::quiet_NaN();
  Images is = pooled(shape, x, dy);
  CHECK(std::isnan(is.y[0]));
  CHECK(is.dx[at] == 3.0F);
  Floats low(Shape{1, 2, 2, 1}, -std::numeric_limits<float>::infinity());
  is = pooled(shape, low, dy);
  CHECK(is.y[0] == -std::numeric_limits<float>::infinity());
  CHECK(is.dx.values() == std::vector<float>{3, 0, 0, 0});
}

TEST_CASE("pooling has the same bits on any number of threads and takes an empty batch") {
  for (const PoolingMode mode : {PoolingMode::max, PoolingMode::average}) {
    const PoolingShape shape{9, 28, 28, 32, 3, 2, 1, mode};
    Floats x = random_floats(Shape{9, 28, 28, 32}, 1), dy = random_floats(Shape{9, 14, 14, 32}, 2);
    std::vector<Images> results;
    for (const int threads : {1, 2}) with_threads(threads, [&] { results.push_back(pooled(shape, x, dy)); });
    CHECK(results[0].y.values() == results[1].y.values());
    CHECK(results[0].dx.values() == results[1].dx.values());
    PoolingShape empty = shape;
    empty.batch = 0;
    Floats none(Shape{0, 28, 28, 32}), nothing(Shape{0, 14, 14, 32});
    CHECK_NOTHROW(pooled(empty, none, nothing));
  }
}

TEST_CASE("windows that do not fit are refused") {
  CHECK_THROWS_AS(plan_pooling(kHost, {1, 2, 2, 1, 3, 1, 0}), eightfold::base::InternalError);
  CHECK_THROWS_AS(plan_pooling(kHost, {1, 4, 4, 1, 2, 1, 2}), eightfold::base::InternalError);
}
