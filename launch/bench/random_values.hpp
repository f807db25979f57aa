#pragma once

// Random input for benches of codecs and collectives: the same values for the same seed on every machine.

#include <cstdint>
#include <span>
#include <string>

namespace eightfold::launch::bench {

// normal: N(0, 1). uniform: U(0, 1). heavy_tailed: e^(2 N(0, 1)) with a random sign; a few values are a
// thousand times the others, as gradients can be.
enum class Distribution { normal, uniform, heavy_tailed };

// "normal", "uniform" or "heavy-tailed"; throws ConfigError for anything else.
Distribution parse_distribution(const std::string& name);

// values[i] becomes the value number `first` + i of the seed's sequence; `first` is even.
void draw(Distribution distribution, std::uint64_t seed, std::span<float> values, std::uint64_t first = 0);

}  // namespace eightfold::launch::bench
