#include "quant8/format.hpp"

#include "tests/quant8/support.hpp"
#include "tests/support/test.hpp"

using namespace eightfold::quant8;
using namespace eightfold::quant8::testing;

namespace {

float scale_of_value(float largest) {
  return scale_value(scale_of(magnitude_bits(largest)));
}

}  // namespace

TEST_CASE("format names are read back, others are not") {
  CHECK(all_formats().size() == 11);
  for (const Format format : all_formats()) CHECK(parse_format(to_string(format)) == format);
  CHECK(to_string(Encoding{}.format) == "dynamic-tree8");
  CHECK_FALSE(parse_format("dynamic_tree8").has_value());
  CHECK_FALSE(parse_format("").has_value());
}

TEST_CASE("a segment has as many bytes as the document says") {
  const auto bytes = [](Format format, std::int64_t elements) { return wire_bytes({format}, elements); };
  CHECK(bytes(Format::dynamic_tree8, 0) == 16);
  CHECK(bytes(Format::dynamic_tree8, 1) == 16 + 16 + 16);
  CHECK(bytes(Format::linear8, 256) == 16 + 16 + 256);
  CHECK(bytes(Format::linear8, 257) == 16 + 16 + 272);
  CHECK(bytes(Format::linear8, 8 * 256 + 1) == 16 + 32 + 8 * 256 + 16);
  CHECK(bytes(Format::linear4, 257) == 16 + 16 + 144);
  CHECK(bytes(Format::one_bit, 257) == 16 + 16 + 48);
  CHECK(bytes(Format::fp32, 5) == 16 + 32);
  CHECK(bytes(Format::bf16, 5) == 16 + 16);
  CHECK(bytes(Format::fp16, 9) == 16 + 32);
  CHECK(wire_bytes({Format::linear8, Scaling::tensor}, 100'000) == 16 + 16 + 100'000);
  CHECK(wire_bytes({Format::linear8, Scaling::tensor}, 0) == 16);
  CHECK(wire_bytes({Format::linear8, Scaling::block, true}, 257) == 16 + 16 + 272 + 8);
  CHECK(bytes(Format::linear8, std::int64_t{1} << 33) == 16 + (1ULL << 26) + (1ULL << 33));
}

TEST_CASE("elements are rounded up to whole blocks") {
  CHECK(whole_blocks(0) == 0);
  CHECK(whole_blocks(1) == 256);
  CHECK(whole_blocks(256) == 256);
  CHECK(whole_blocks(257) == 512);
}

TEST_CASE("a format that is said to preserve zeros decodes them as zeros, another does not") {
  Random random(4);
  Floats values = random_values(3 * kBlock, [&] { return random.normal(); });
  for (std::size_t i = 0; i < values.size(); i += 2) values[i] = 0;
  for (const Format format : all_formats())
    for (const Rounding rounding : {Rounding::nearest, Rounding::stochastic}) {
      if (rounding == Rounding::stochastic && !has_levels(format)) continue;  // there is no such codec
      const auto codec = make_codec(eightfold::kernels::Device{}, {format}, rounding);
      const Floats decoded = round_trip(*codec, values);
      bool has_zeros = true;
      for (std::size_t i = 0; i < values.size(); i += 2) has_zeros = has_zeros && decoded[i] == 0;
      CAPTURE(to_string(format));
      CHECK(preserves_zero(format) == has_zeros);
    }
}

TEST_CASE("8 bits cost 1.008 bytes an element") {
  const std::int64_t elements = 1 << 20;
  const auto wire = static_cast<double>(wire_bytes({Format::dynamic_tree8}, elements));
  CHECK(wire / static_cast<double>(elements) == Approx(1.008).epsilon(0.001));
}

TEST_CASE("a scale is the next bf16 upwards") {
  CHECK(scale_of_value(1) == 1);
  CHECK(scale_of_value(-2.5F) == 2.5F);
  CHECK(scale_of_value(std::nextafter(1.0F, 2.0F)) == 1.0078125F);
  CHECK(scale_of_value(1.0078125F) == 1.0078125F);
  Random random(1);
  int below = 0, far = 0;
  for (int i = 0; i < 10000; ++i) {
    const float value = std::ldexp(1 + random.uniform(), static_cast<int>(random.word() % 250) - 126);
    below += scale_of_value(value) < value;
    far += scale_of_value(value) > value * 1.0078125F;
  }
  CHECK(below == 0);
  CHECK(far == 0);
}

TEST_CASE("a scale ends at the largest bf16, at 2^-126 and at what is no number") {
  CHECK(scale_of(magnitude_bits(std::numeric_limits<float>::max())) == kLargestScale);
  CHECK(scale_of(magnitude_bits(scale_value(kLargestScale))) == kLargestScale);
  CHECK(scale_value(kLargestScale) == 0x1.fep127F);
  CHECK(scale_of(magnitude_bits(0x1p-126F)) == kSmallestScale);
  CHECK(scale_of(magnitude_bits(0x1.fcp-127F)) == kZeroScale);  // 2^-126 - 2^-133
  CHECK(scale_of(magnitude_bits(std::nextafter(0x1.fcp-127F, 1.0F))) == kSmallestScale);
  CHECK(scale_of(magnitude_bits(0x1.fffffep-127F)) == kSmallestScale);  // rounded up before it is judged
  CHECK(scale_of(magnitude_bits(0)) == kZeroScale);
  CHECK(scale_of(magnitude_bits(-kInfinity)) == kNanScale);
  CHECK(scale_of(magnitude_bits(kNaN)) == kNanScale);
  CHECK(std::isnan(scale_value(kNanScale)));
}

TEST_CASE("a mean scale is to nearest and ends where other scales do") {
  CHECK(scale_value(mean_scale_of(magnitude_bits(3), 4, 2)) == 2);
  CHECK(scale_value(mean_scale_of(magnitude_bits(3), 1.001, 1)) == 1);
  CHECK(mean_scale_of(magnitude_bits(1e38F), 1e300, 1) == kLargestScale);
  CHECK(mean_scale_of(magnitude_bits(kInfinity), 1, 1) == kNanScale);
  CHECK(mean_scale_of(magnitude_bits(3e38F), std::numeric_limits<double>::infinity(), 256) == kLargestScale);
  CHECK(scale_value(mean_scale_of(magnitude_bits(2), 0x1.01p0, 1)) == 1);  // ties to even
  CHECK(scale_value(mean_scale_of(magnitude_bits(2), 0x1.03p0, 1)) == 0x1.04p0F);
  CHECK(scale_value(mean_scale_of(magnitude_bits(2), 0x1.0100000001p0, 1)) == 1);  // fp32 comes before
  CHECK(mean_scale_of(magnitude_bits(1), 0x1.fep-127, 1) == kSmallestScale);       // 2^-126 - 2^-134
  CHECK(mean_scale_of(magnitude_bits(1), 0x1.fdfffcp-127, 1) == kZeroScale);
  CHECK(mean_scale_of(magnitude_bits(1e-38F), 1e-38, 1) == kZeroScale);
}
