#include "kernels/reduce.hpp"

#include "tests/kernels/support.hpp"
#include "tests/support/test.hpp"

#include <limits>

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

double squares(Floats& x) {
  Array<double> out(Shape{1}, -1.0);
  sum_of_squares(host_stream(), x, out);
  return out[0];
}

float clip(double sum, float max_norm) {
  Array<double> in(Shape{1}, sum);
  Floats scale(Shape{1});
  clip_scale(host_stream(), in, max_norm, scale);
  return scale[0];
}

}  // namespace

TEST_CASE("the sum of squares of integers is exact") {
  for (const std::int64_t size : {0, 1, 15, 16, 63, 64, 65, 1025, 100001}) {
    Floats x(Shape{size});
    double expected = 0;
    for (std::int64_t i = 0; i < size; ++i) {
      x[i] = static_cast<float>(i % 9 - 4);
      expected += static_cast<double>(x[i] * x[i]);
    }
    CHECK(squares(x) == expected);
  }
}

TEST_CASE("squares neither overflow nor vanish in fp32") {
  Floats x(Shape{2}, {1e30F, 1e-30F});
  CHECK(squares(x) == Approx(1e60).epsilon(1e-6));
  Floats tiny(Shape{1}, 1e-30F);
  CHECK(squares(tiny) == Approx(1e-60).epsilon(1e-6));
}

TEST_CASE("a sum has the same bits on any number of threads and at any address") {
  Floats x = random_floats(Shape{1000001}, 1), shifted(Shape{1000004});
  std::vector<double> results;
  for (const int threads : {1, 2, 3}) with_threads(threads, [&] { results.push_back(squares(x)); });
  for (std::int64_t offset = 1; offset < 4; ++offset) {
    const Tensor view = shifted.tensor().rows(offset, 1000001);
    std::copy(x.values().begin(), x.values().end(), view.as<float>());
    Array<double> out(Shape{1});
    sum_of_squares(host_stream(), view, out);
    results.push_back(out[0]);
  }
  for (const double result : results) CHECK(result == results[0]);
}

TEST_CASE("a gradient is scaled down to the largest norm, never up") {
  CHECK(clip(4, 1) == 0.5F);
  CHECK(clip(0.25, 1) == 1.0F);
  CHECK(clip(1, 1) == 1.0F);
  CHECK(clip(0, 1) == 1.0F);
  CHECK(clip(0, 0) == 1.0F);
  CHECK(clip(std::numeric_limits<double>::infinity(), 1) == 0.0F);
  CHECK(std::isnan(clip(std::numeric_limits<double>::quiet_NaN(), 1)));
}
