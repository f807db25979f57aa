#include "kernels/normalization.hpp"

#include "tests/kernels/support.hpp"
#include "tests/support/test.hpp"

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

// The formula of the header for one row of channels, in double.
std::vector<double> reference(const LocalResponse& parameters, const std::vector<double>& x) {
  const auto channels = static_cast<std::int64_t>(x.size());
  std::vector<double> y(x.size());
  for (std::int64_t c = 0; c < channels; ++c) {
    double sum = 0;
    for (std::int64_t j = std::max<std::int64_t>(0, c - parameters.size / 2);
         j <= std::min(channels - 1, c + parameters.size / 2); ++j)
      sum += std::pow(x[static_cast<std::size_t>(j)], 2);
    const double s = static_cast<double>(parameters.k) +
                     static_cast<double>(parameters.alpha) / static_cast<double>(parameters.size) * sum;
    y[static_cast<std::size_t>(c)] =
        x[static_cast<std::size_t>(c)] * std::pow(s, -static_cast<double>(parameters.beta));
  }
  return y;
}

std::vector<double> row(const Floats& x, std::int64_t index, std::int64_t channels) {
  std::vector<double> values;
  for (std::int64_t c = 0; c < channels; ++c) values.push_back(static_cast<double>(x[index * channels + c]));
  return values;
}

}  // namespace

TEST_CASE("local response normalisation follows its formula, its gradient the finite differences") {
  const std::int64_t channels = GENERATE(1, 3, 8, 33);
  const LocalResponse parameters =
      GENERATE(LocalResponse{}, LocalResponse{5, 2.0F, 0.75F, 1}, LocalResponse{3, 1.5F, 0.6F, 2},
               LocalResponse{1, 1.0F, 0.5F, 1}, LocalResponse{101, 3.0F, 0.75F, 1});
  constexpr std::int64_t kRows = 6;
  const Shape shape{1, 2, 3, channels};
  Floats x = random_floats(shape, 1), dy = random_floats(shape, 2), y(shape), dx(shape);
  local_response_forward(host_stream(), parameters, x, y);
  local_response_backward(host_stream(), parameters, x, dy, dx);
  std::vector<double> expected, gradient;
  for (std::int64_t r = 0; r < kRows; ++r) {
    const std::vector<double> at = row(x, r, channels), weight = row(dy, r, channels),
                              value = reference(parameters, at);
    expected.insert(expected.end(), value.begin(), value.end());
    for (std::size_t c = 0; c < at.size(); ++c) {
      constexpr double kStep = 1e-5;
      std::vector<double> above = at, below = at;
      above[c] += kStep;
      below[c] -= kStep;
      const std::vector<double> up = reference(parameters, above), down = reference(parameters, below);
      double slope = 0;
      for (std::size_t j = 0; j < at.size(); ++j) slope += weight[j] * (up[j] - down[j]) / (2 * kStep);
      gradient.push_back(slope);
    }
  }
  const Array<double> expected_y(shape, expected), expected_dx(shape, gradient);
  CHECK(largest_difference(y, expected_y) < 1e-6);
  CHECK(largest_difference(dx, expected_dx) < 2e-6);
}

TEST_CASE("local response normalisation takes nothing, and refuses windows without a centre") {
  Floats none(Shape{0, 4}), other(Shape{0, 4}), gradient(Shape{0, 4});
  CHECK_NOTHROW(local_response_forward(host_stream(), {}, none, other));
  CHECK_NOTHROW(local_response_backward(host_stream(), {}, none, other, gradient));
  Floats x(Shape{1, 4}), y(Shape{1, 4});
  CHECK_THROWS_AS(local_response_forward(host_stream(), LocalResponse{.size = 4}, x, y),
                  eightfold::base::InternalError);
}

TEST_CASE("local response normalisation has the same bits on any number of threads") {
  const Shape shape{5, 7, 7, 96};
  Floats x = random_floats(shape, 1), dy = random_floats(shape, 2);
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2}) {
    with_threads(threads, [&] {
      Floats dx(shape);
      local_response_backward(host_stream(), {}, x, dy, dx);
      results.push_back(dx.values());
    });
  }
  CHECK(results[0] == results[1]);
}
