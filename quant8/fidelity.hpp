#pragma once

// The error of values that went through a codec: the three figures that every comparison of formats in this
// repository uses. Computed on the host in fp64.

#include <span>

namespace eightfold::quant8 {

struct Fidelity {
  double mre = 0;   // mean of |received - exact| / |exact| over the values that are not 0
  double nmse = 0;  // sum of (received - exact)^2 / sum of exact^2
  double bias = 0;  // sum of |received| / sum of |exact|, minus 1
};

// Requires equal sizes. All figures of no values, or of zeros alone, are 0.
Fidelity fidelity(std::span<const float> exact, std::span<const float> received);

}  // namespace eightfold::quant8
