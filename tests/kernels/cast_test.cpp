#include "kernels/cast.hpp"

#include "tests/kernels/support.hpp"
#include "tests/support/test.hpp"

#include <bit>
#include <limits>

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

// The value that `exponent` and `mantissa` fields stand for, by the definition of IEEE 754.
double value_of(std::uint32_t bits, int exponent_bits, int mantissa_bits) {
  const std::uint32_t mantissa = bits & ((1U << mantissa_bits) - 1);
  const std::uint32_t exponent = (bits >> mantissa_bits) & ((1U << exponent_bits) - 1);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double sign = (bits >> 15 & 1U) != 0 ? -1 : 1;
  if (exponent == (1U << exponent_bits) - 1)
    return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign *
         std::ldexp(mantissa + (1U << mantissa_bits), static_cast<int>(exponent) - bias - mantissa_bits);
}

template <class Half>
Array<Half> all_patterns() {
  Array<Half> patterns(Shape{65536});
  for (std::int64_t i = 0; i < 65536; ++i) patterns[i] = {static_cast<std::uint16_t>(i)};
  return patterns;
}

template <class Half>
std::uint16_t bits_of(float value) {
  Floats x(Shape{1}, value);
  Array<Half> y(Shape{1});
  cast(host_stream(), x, y);
  return y[0].bits;
}

template <class Half>
void check_all_patterns(int exponent_bits, int mantissa_bits) {
  Array<Half> patterns = all_patterns<Half>(), back(Shape{65536});
  Floats values(Shape{65536});
  cast(host_stream(), patterns, values);
  cast(host_stream(), values, back);
  int wrong_values = 0, wrong_returns = 0;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const double expected = value_of(bits, exponent_bits, mantissa_bits);
    const auto value = static_cast<double>(values[bits]);
    if (std::isnan(expected)) {
      wrong_values += !std::isnan(value);
      wrong_returns += !std::isnan(value_of(back[bits].bits, exponent_bits, mantissa_bits));
    } else {
      wrong_values += value != expected || std::signbit(value) != std::signbit(expected);
      wrong_returns += back[bits].bits != bits;
    }
  }
  CHECK(wrong_values == 0);
  CHECK(wrong_returns == 0);
}

// Between any two neighbours: the middle goes to the even one, a step to either side goes to the nearer one.
template <class Half>
void check_all_ties(std::uint32_t infinity, int exponent_bits, int mantissa_bits) {
  std::vector<float> inputs;
  std::vector<std::uint32_t> expected;
  for (std::uint32_t bits = 0; bits + 1 < infinity; ++bits) {
    const double low = value_of(bits, exponent_bits, mantissa_bits);
    const double high = value_of(bits + 1, exponent_bits, mantissa_bits);
    const auto middle = static_cast<float>((low + high) / 2);
    for (const float sign : {1.0F, -1.0F}) {
      const std::uint32_t sign_bit = sign < 0 ? 0x8000U : 0U;
      inputs.insert(inputs.end(), {sign * middle, sign * std::nextafter(middle, 0.0F),
                                   sign * std::nextafter(middle, std::numeric_limits<float>::infinity())});
      expected.insert(expected.end(), {sign_bit | (bits + bits % 2), sign_bit | bits, sign_bit | (bits + 1)});
    }
  }
  const auto count = static_cast<std::int64_t>(inputs.size());
  Floats x(Shape{count}, inputs);
  Array<Half> y(Shape{count});
  cast(host_stream(), x, y);
  int wrong = 0;
  for (std::int64_t i = 0; i < count; ++i) wrong += y[i].bits != expected[static_cast<std::size_t>(i)];
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("every bf16 and fp16 pattern has its value and comes back") {
  check_all_patterns<BFloat16>(8, 7);
  check_all_patterns<Float16>(5, 10);
}

TEST_CASE("casts round to nearest, ties to even") {
  check_all_ties<BFloat16>(0x7F80, 8, 7);
  check_all_ties<Float16>(0x7C00, 5, 10);
}

TEST_CASE("casts overflow to infinity and keep NaN") {
  CHECK(bits_of<Float16>(65504) == 0x7BFF);
  CHECK(bits_of<Float16>(std::nextafter(65520.0F, 0.0F)) == 0x7BFF);
  CHECK(bits_of<Float16>(65520) == 0x7C00);
  CHECK(bits_of<Float16>(-1e30F) == 0xFC00);
  CHECK(bits_of<BFloat16>(std::numeric_limits<float>::max()) == 0x7F80);
  CHECK(bits_of<BFloat16>(-std::numeric_limits<float>::max()) == 0xFF80);
  for (const std::uint32_t nan : {0x7F800001U, 0x7FC00000U, 0x7FFFFFFFU}) {
    CHECK((bits_of<BFloat16>(std::bit_cast<float>(nan)) & 0x7FFF) > 0x7F80);
    CHECK((bits_of<Float16>(std::bit_cast<float>(nan)) & 0x7FFF) > 0x7C00);
  }
}

TEST_CASE("values below the smallest subnormal become zero with their sign") {
  CHECK(bits_of<Float16>(0x1p-26F) == 0x0000);
  CHECK(bits_of<Float16>(-0x1p-26F) == 0x8000);
  CHECK(bits_of<Float16>(0x1.8p-25F) == 0x0001);
  CHECK(bits_of<BFloat16>(-0.0F) == 0x8000);
}

TEST_CASE("casts between the 16-bit types go through fp32, and equal types copy") {
  Array<Float16> half(Shape{3}, {Float16{0x3C00}, Float16{0x7C00}, Float16{0xC000}});
  Array<BFloat16> brain(Shape{3});
  cast(host_stream(), half, brain);
  CHECK(brain[0].bits == 0x3F80);
  CHECK(brain[1].bits == 0x7F80);
  CHECK(brain[2].bits == 0xC000);
  Floats x = random_floats(Shape{1000}, 1), y(Shape{1000});
  cast(host_stream(), x, y);
  CHECK(y.values() == x.values());
  Array<std::int32_t> integers(Shape{3});
  CHECK_THROWS_AS(cast(host_stream(), half, integers), eightfold::base::InternalError);
}
