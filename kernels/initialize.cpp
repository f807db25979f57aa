#include "kernels/initialize.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace eightfold::kernels {
namespace {

// Numbers 4 block .. 4 block + 3 of a normal distribution of variance 1: Box and Muller 1958, two at a time.
struct NormalBlock {
  double value[4];
};
NormalBlock normal_block(const RandomKey& key, std::uint64_t block) {
  const RandomWords random = philox(key, block);
  NormalBlock result{};
  for (int pair = 0; pair < 2; ++pair) {
    const double radius_uniform = (random.word[2 * pair] + 0.5) * 0x1p-32;  // never 0
    const double angle = 2 * std::numbers::pi * (random.word[2 * pair + 1] * 0x1p-32);
    const double radius = std::sqrt(-2 * std::log(radius_uniform));
    result.value[2 * pair] = radius * std::cos(angle);
    result.value[2 * pair + 1] = radius * std::sin(angle);
  }
  return result;
}

void fill_normal(double standard_deviation, const RandomKey& key, std::span<float> values) {
  for (std::size_t first = 0; first < values.size(); first += 4) {
    const NormalBlock block = normal_block(key, first / 4);
    const std::size_t count = std::min<std::size_t>(4, values.size() - first);
    for (std::size_t j = 0; j < count; ++j)
      values[first + j] = static_cast<float>(standard_deviation * block.value[j]);
  }
}

void fill_uniform(double limit, const RandomKey& key, std::span<float> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double centred = 2 * ((random_word(key, i) + 0.5) * 0x1p-32) - 1;
    values[i] = static_cast<float>(limit * centred);
  }
}

}  // namespace

void initialize(Initializer initializer, Fan fan, float standard_deviation, const RandomKey& key,
                std::span<float> values) {
  base::require(fan.in > 0 && fan.out > 0, "initialize: a fan of {} in, {} out", fan.in, fan.out);
  const auto in = static_cast<double>(fan.in), out = static_cast<double>(fan.out);
  switch (initializer) {
    case Initializer::zeros:
      std::fill(values.begin(), values.end(), 0.0F);
      break;
    case Initializer::he:
      fill_normal(std::sqrt(2 / in), key, values);
      break;
    // A uniform distribution over [-a, a] has variance a^2 / 3.
    case Initializer::glorot:
      fill_uniform(std::sqrt(6 / (in + out)), key, values);
      break;
    case Initializer::normal:
      fill_normal(standard_deviation, key, values);
      break;
  }
}

}  // namespace eightfold::kernels
