#pragma once

// The ranges that keys have in common.

#include "runtime/config/key.hpp"

namespace eightfold::runtime::config {

// Far above any sensible job, far below where products of them overflow 64 bits.
inline constexpr double kMany = 1e9;

inline Range at_least(double low) {
  return {.low = low, .high = kMany};
}
inline Range between(double low, double high) {
  return {.low = low, .high = high};
}
// [low, high): rates and decay factors.
inline Range from_to_below(double low, double high) {
  return {.low = low, .high = high, .below_high = true};
}
// Real numbers that are still themselves, and neither 0 nor infinite, in fp32.
inline Range not_negative() {
  return between(0, 1e6);
}
inline Range positive() {
  return between(1e-30, 1e6);
}

}  // namespace eightfold::runtime::config
