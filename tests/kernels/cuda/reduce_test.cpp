#include "kernels/reduce.hpp"

#include "tests/kernels/cuda/support.hpp"

#include <limits>

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

double squares(const Floats& x, std::int64_t offset) {
  const auto results = on_device(
      offset, [](StreamView stream, Tensor from, Tensor out) { sum_of_squares(stream, from, out); }, x,
      Array<double>(Shape{1}, -1.0));
  return std::get<1>(results)[0];
}

}  // namespace

TEST_CASE("the sum of squares of integers is exact on a GPU") {
  for (const std::int64_t size : {0, 1, 3, 4, 5, 4095, 4097, 300001}) {
    Floats x(Shape{size});
    double expected = 0;
    for (std::int64_t i = 0; i < size; ++i) {
      x[i] = static_cast<float>(i % 9 - 4);
      expected += static_cast<double>(x[i] * x[i]);
    }
    CHECK(squares(x, 0) == expected);
    CHECK(squares(x, 3) == expected);
  }
}

// Only the order of the additions differs.
TEST_CASE("the sum of squares on a GPU agrees with the host") {
  for (const std::int64_t size : kSizes) {
    const Floats x = random_floats(Shape{size}, 1);
    const auto sum = [](StreamView stream, Tensor from, Tensor out) { sum_of_squares(stream, from, out); };
    for (const std::int64_t offset : kOffsets)
      check_within(1e-12, offset, sum, x, Array<double>(Shape{1}, -1.0));
  }
}

TEST_CASE("a sum on a GPU has the same bits every time and at any address") {
  const Floats x = random_floats(Shape{100003}, 1);
  const double first = squares(x, 0);
  for (const std::int64_t offset : {0, 1, 2, 3}) CHECK(squares(x, offset) == first);
}

TEST_CASE("squares neither overflow nor vanish on a GPU, and NaN shows") {
  CHECK(squares(Floats(Shape{2}, {1e30F, 1e-30F}), 0) == Approx(1e60).epsilon(1e-6));
  CHECK(squares(Floats(Shape{1}, 1e-30F), 0) == Approx(1e-60).epsilon(1e-6));
  Floats x(Shape{5000}, 1.0F);
  x[4097] = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(squares(x, 0)));
}

TEST_CASE("clipping on a GPU has the bits of the host") {
  for (const double sum : {4.0, 0.25, 1.0, 0.0, 3.7, 1e-300, std::numeric_limits<double>::infinity(),
                           std::numeric_limits<double>::quiet_NaN()})
    check_bits(
        0, [](StreamView stream, Tensor from, Tensor scale) { clip_scale(stream, from, 1, scale); },
        Array<double>(Shape{1}, sum), Floats(Shape{1}, 9.0F));
}
