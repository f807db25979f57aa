#include "launch/bench/random_values.hpp"

#include "kernels/base/error.hpp"
#include "kernels/random.hpp"

#include <cmath>
#include <numbers>

namespace eightfold::launch::bench {
namespace {

// Two independent values of N(0, 1) from two random words, by the method of Box and Muller.
struct NormalPair {
  double first, second;
};

NormalPair normal_pair(std::uint32_t a, std::uint32_t b) {
  const double radius = std::sqrt(-2 * std::log((a + 1.0) * 0x1p-32));  // (0, 1]: a logarithm for every word
  const double angle = 2 * std::numbers::pi * (b * 0x1p-32);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

float heavy_tailed(double normal, std::uint32_t word) {
  return static_cast<float>(std::copysign(std::exp(2 * normal), word % 2 == 0 ? 1.0 : -1.0));
}

// Two values.
void draw_pair(Distribution distribution, const kernels::RandomWords& words, float* pair) {
  const auto& word = words.word;
  if (distribution == Distribution::uniform) {
    for (int i = 0; i < 2; ++i) pair[i] = kernels::uniform_from(word[i]);
    return;
  }
  const NormalPair normal = normal_pair(word[0], word[1]);
  const bool is_normal = distribution == Distribution::normal;
  pair[0] = is_normal ? static_cast<float>(normal.first) : heavy_tailed(normal.first, word[2]);
  pair[1] = is_normal ? static_cast<float>(normal.second) : heavy_tailed(normal.second, word[3]);
}

}  // namespace

Distribution parse_distribution(const std::string& name) {
  if (name == "normal") return Distribution::normal;
  if (name == "uniform") return Distribution::uniform;
  if (name == "heavy-tailed") return Distribution::heavy_tailed;
  base::raise<base::ConfigError>("--data {}: it is normal, uniform or heavy-tailed", name);
}

void draw(Distribution distribution, std::uint64_t seed, std::span<float> values, std::uint64_t first) {
  base::require(first % 2 == 0, "random values come in pairs, not from {} on", first);
  const kernels::RandomKey key{seed, 0, 0};
  for (std::size_t i = 0; i < values.size(); i += 2) {
    float pair[2];
    draw_pair(distribution, kernels::philox(key, (first + i) / 2), pair);
    values[i] = pair[0];
    if (i + 1 < values.size()) values[i + 1] = pair[1];
  }
}

}  // namespace eightfold::launch::bench
