#pragma once

// Initial values of parameters, made on the host (start-up only) and copied from there: the same on every
// device.

#include "kernels/random.hpp"

#include <cstdint>
#include <span>

namespace eightfold::kernels {

enum class Initializer { zeros, he, glorot, normal };

// Connections into and out of one unit: for a convolution kernel area times channels per group.
struct Fan {
  std::int64_t in = 1;
  std::int64_t out = 1;
};

// he:      normal, variance 2 / fan in           (He et al. 2015, section 2.2)
// glorot:  uniform, variance 2 / (fan in + out)  (Glorot and Bengio 2010, equation 16)
// normal:  normal, the given standard deviation
void initialize(Initializer initializer, Fan fan, float standard_deviation, const RandomKey& key,
                std::span<float> values);

}  // namespace eightfold::kernels
