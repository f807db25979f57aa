#include "kernels/initialize.hpp"

#include "tests/kernels/support.hpp"
#include "tests/support/test.hpp"

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

constexpr std::size_t kCount = 1 << 18;

std::vector<float> made(Initializer initializer, Fan fan, float deviation, std::size_t count = kCount,
                        const RandomKey& key = RandomKey{1, 0, 2}) {
  std::vector<float> values(count, 99.0F);
  initialize(initializer, fan, deviation, key, values);
  return values;
}

struct Moments {
  double mean = 0, variance = 0, kurtosis = 0;
};
Moments moments(const std::vector<float>& values) {
  Moments result;
  for (const float value : values)
    result.mean += static_cast<double>(value) / static_cast<double>(values.size());
  double fourth = 0;
  for (const float value : values) {
    const double square = std::pow(static_cast<double>(value) - result.mean, 2);
    result.variance += square / static_cast<double>(values.size());
    fourth += square * square / static_cast<double>(values.size());
  }
  result.kurtosis = fourth / (result.variance * result.variance);
  return result;
}

// Five standard errors of a mean, and of the variance of a distribution no heavier than the normal one.
void check_moments(const Moments& is, double variance, double kurtosis) {
  CHECK(std::abs(is.mean) < 5 * std::sqrt(variance / kCount));
  CHECK(std::abs(is.variance / variance - 1) < 5 * std::sqrt(2.0 / kCount));
  CHECK(is.kurtosis == Approx(kurtosis).margin(0.1));
}

}  // namespace

TEST_CASE("he draws a normal distribution of variance 2 over fan in") {
  check_moments(moments(made(Initializer::he, {50, 1000}, 0)), 2.0 / 50, 3);
}

TEST_CASE("glorot draws a uniform distribution of variance 2 over both fans") {
  const auto values = made(Initializer::glorot, {100, 300}, 0);
  check_moments(moments(values), 2.0 / 400, 1.8);
  const auto limit = static_cast<float>(std::sqrt(6.0 / 400));
  CHECK(std::all_of(values.begin(), values.end(), [limit](float value) { return std::abs(value) <= limit; }));
}

TEST_CASE("normal takes the standard deviation it is given, zeros takes nothing") {
  check_moments(moments(made(Initializer::normal, {1, 1}, 0.01F)), 1e-4, 3);
  CHECK(made(Initializer::zeros, {1, 1}, 1, 5) == std::vector<float>(5, 0.0F));
}

TEST_CASE("a value depends on its key and index, not on how many are made") {
  for (const Initializer initializer : {Initializer::he, Initializer::glorot}) {
    const auto many = made(initializer, {3, 4}, 0, 1001);
    for (const std::size_t count : {0, 1, 2, 3, 5, 1000}) {
      const auto few = made(initializer, {3, 4}, 0, count);
      CHECK(std::equal(few.begin(), few.end(), many.begin()));
    }
    CHECK(made(initializer, {3, 4}, 0, 8, RandomKey{1, 0, 3}) != made(initializer, {3, 4}, 0, 8));
  }
}
