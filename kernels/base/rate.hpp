#pragma once

// Rates of data, for people: bytes as they are counted, bits as networks are sold.

#include <fmt/format.h>

#include <string>

namespace eightfold::base {

inline constexpr double kGbitsPerGbyte = 8;

// "0.0239 GB/s (0.191 Gbit/s)", of 10^9 bytes a second.
inline std::string format_rate(double gbytes_per_s) {
  // Three digits that count, never an exponent.
  const auto figure = [](double value) {
    return value < 999.5 ? fmt::format("{:.3g}", value) : fmt::format("{:.0f}", value);
  };
  return fmt::format("{} GB/s ({} Gbit/s)", figure(gbytes_per_s), figure(kGbitsPerGbyte * gbytes_per_s));
}

}  // namespace eightfold::base
