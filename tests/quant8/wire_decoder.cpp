#include "tests/quant8/wire_decoder.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

namespace eightfold::quant8::testing {
namespace {

constexpr std::uint32_t kNan = 0x7FC00000;

enum FormatNumber {
  fp32,
  bf16,
  fp16,
  dynamic_tree8,
  linear8,
  static_tree8,
  mantissa8,
  e4m3,
  e5m2,
  linear4,
  one_bit
};

std::uint64_t little_endian(std::span<const std::uint8_t> bytes, std::size_t at, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) value |= std::uint64_t{bytes[at + static_cast<std::size_t>(i)]} << (8 * i);
  return value;
}

std::size_t up_to_16(std::size_t bytes) {
  return (bytes + 15) & ~std::size_t{15};
}

int bits_of_a_code(int format) {
  if (format == fp32) return 32;
  if (format == bf16 || format == fp16) return 16;
  if (format == linear4) return 4;
  return format == one_bit ? 1 : 8;
}

// Section "Levels". The exact values are all decimal or binary fractions that a double holds well enough to
// round to the right float.
std::vector<double> tree_levels() {
  std::vector<double> levels{0};
  for (int e = 6; e >= 1; --e) {
    const int cells = 1 << (6 - e);
    for (int i = 0; i < cells; ++i) levels.push_back((1 + 3.5 * (i + 0.5) / cells) / std::pow(10, e));
    for (int i = 0; i < cells; ++i) levels.push_back((4.5 + 5.5 * (i + 0.5) / cells) / std::pow(10, e));
  }
  levels.push_back(1);
  return levels;
}

std::vector<double> static_levels() {
  std::vector<double> levels;
  for (int e = 7; e >= 0; --e)
    for (int t = 0; t < 16; ++t) levels.push_back((41.0 + 18.0 * t) / (320 * std::pow(10, e)));
  levels.front() = 0;
  levels.back() = 1;
  return levels;
}

// Multiples of a tenth of a decade below stand there already.
std::vector<double> mantissa_levels() {
  std::vector<double> levels;
  for (int e = 7; e >= 0; --e)
    for (int m = 0; m <= 15; ++m)
      if (e == 7 || (m != 0 && m != 1)) levels.push_back(m / (15 * std::pow(10, e)));
  std::sort(levels.begin(), levels.end());
  return levels;
}

std::vector<double> float_levels(int mantissa_bits, int bias, int count) {
  std::vector<double> levels;
  for (int code = 0; code < count; ++code) {
    const int exponent = code >> mantissa_bits;
    const double fraction = std::ldexp(code & ((1 << mantissa_bits) - 1), -mantissa_bits);
    levels.push_back(exponent == 0 ? std::ldexp(fraction, 1 - bias)
                                   : std::ldexp(1 + fraction, exponent - bias));
  }
  const double largest = levels.back();
  for (double& level : levels) level /= largest;
  return levels;
}

std::vector<double> equal_steps(int steps) {
  std::vector<double> levels;
  for (int i = 0; i <= steps; ++i) levels.push_back(static_cast<double>(i) / steps);
  return levels;
}

std::vector<double> levels_of(int format) {
  switch (format) {
    case dynamic_tree8:
      return tree_levels();
    case linear8:
      return equal_steps(127);
    case static_tree8:
      return static_levels();
    case mantissa8:
      return mantissa_levels();
    case e4m3:
      return float_levels(3, 7, 127);
    case e5m2:
      return float_levels(2, 15, 124);
    default:
      return equal_steps(7);
  }
}

float half_value(std::uint32_t bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31);
  if (exponent == 31)  // infinity, or a NaN whose bits move as they are
    return std::bit_cast<float>((bits & 0x8000) << 16 | 0x7F800000 | (bits & 1023) << 13);
  const double fraction = (bits & 1023) / 1024.0;
  const double value = exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15);
  return static_cast<float>((bits & 0x8000) != 0 ? -value : value);
}

float plain_value(int format, std::uint32_t code) {
  if (format == fp32) return std::bit_cast<float>(code);
  return format == bf16 ? std::bit_cast<float>(code << 16) : half_value(code);
}

float scaled_value(const std::vector<double>& levels, int bits, std::uint32_t code, float scale) {
  const std::uint32_t sign = 1U << (bits - 1), level = code & (sign - 1);
  if (bits > 1 && level >= levels.size()) return std::bit_cast<float>(kNan);
  const float value = bits == 1 ? scale : static_cast<float>(levels[level]) * scale;
  if (std::isnan(value)) return std::bit_cast<float>(kNan);
  return (code & sign) != 0 ? -value : value;
}

}  // namespace

WireMessage decode_by_the_document(std::span<const std::uint8_t> segment) {
  if (segment.size() < 16 || segment[0] != 0xE8 || segment[1] != 1 || segment[2] > one_bit)
    throw std::runtime_error("no segment of version 1");
  const int format = segment[2], bits = bits_of_a_code(format);
  const bool has_hash = (segment[3] & 1) != 0, has_scales = bits <= 8;
  const std::size_t block = little_endian(segment, 4, 2), elements = little_endian(segment, 8, 8);
  const std::size_t per_scale = block == 0 ? std::max<std::size_t>(elements, 1) : block;
  const std::size_t scales = has_scales ? (elements + per_scale - 1) / per_scale : 0;
  const std::size_t codes = 16 + up_to_16(2 * scales);
  const std::size_t hash = codes + up_to_16((elements * static_cast<std::size_t>(bits) + 7) / 8);
  if (segment.size() != hash + (has_hash ? 8 : 0)) throw std::runtime_error("another length than it says");

  WireMessage message;
  message.sequence = static_cast<std::uint16_t>(little_endian(segment, 6, 2));
  const std::vector<double> levels = levels_of(format);
  for (std::size_t i = 0; i < elements; ++i) {
    const std::size_t bit = i * static_cast<std::size_t>(bits);
    auto code = static_cast<std::uint32_t>(little_endian(segment, codes + bit / 8, std::max(bits / 8, 1)));
    if (bits < 8) code = code >> (bit % 8) & ((1U << bits) - 1);
    if (has_scales) {
      const auto scale = static_cast<std::uint32_t>(little_endian(segment, 16 + 2 * (i / per_scale), 2));
      message.values.push_back(scaled_value(levels, bits, code, std::bit_cast<float>(scale << 16)));
    } else {
      message.values.push_back(plain_value(format, code));
    }
  }
  if (has_hash) message.hash = little_endian(segment, hash, 8);
  return message;
}

}  // namespace eightfold::quant8::testing
