#include "quant8/fidelity.hpp"

#include "kernels/base/error.hpp"

#include <cmath>
#include <cstddef>

namespace eightfold::quant8 {

Fidelity fidelity(std::span<const float> exact, std::span<const float> received) {
  base::require(exact.size() == received.size(), "{} values compared with {}", exact.size(), received.size());
  double relative = 0, squares = 0, errors = 0, magnitudes = 0, received_magnitudes = 0;
  std::size_t others_than_zero = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const double x = static_cast<double>(exact[i]), y = static_cast<double>(received[i]);
    squares += x * x;
    errors += (y - x) * (y - x);
    magnitudes += std::abs(x);
    received_magnitudes += std::abs(y);
    if (x == 0) continue;
    relative += std::abs((y - x) / x);
    ++others_than_zero;
  }
  // All three would be 0 / 0.
  if (others_than_zero == 0) return {};
  return {relative / static_cast<double>(others_than_zero), errors / squares,
          received_magnitudes / magnitudes - 1};
}

}  // namespace eightfold::quant8
