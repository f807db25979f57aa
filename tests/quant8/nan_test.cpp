// Which bits a NaN has, and what decoders make of what nobody sends: the same in every implementation.
#include "quant8/codec.hpp"
#include "tests/quant8/support.hpp"
#include "tests/support/test.hpp"

#include <array>

using namespace eightfold;
using namespace eightfold::quant8;
using namespace eightfold::quant8::testing;

namespace {

const float kCanonical = std::bit_cast<float>(std::uint32_t{0x7FC0'0000});

// Calls check(codec, reference) for every implementation of every format on this machine.
template <class Check>
void for_each_codec(const Check& check) {
  for (const Format format : all_formats())
    for (const Scaling scaling : {Scaling::block, Scaling::tensor}) {
      const Encoding encoding{format, scaling};
      const auto reference = make_reference_codec(encoding);
      for (const host::Instructions instructions : host::available_instructions()) {
        CAPTURE(to_string(format), to_string(instructions), scaling == Scaling::tensor);
        check(*host::make_codec(encoding, Rounding::nearest, instructions), *reference);
      }
    }
}

std::size_t other_nans(const Floats& values) {
  return static_cast<std::size_t>(std::ranges::count_if(values, [](float value) {
    return std::isnan(value) && std::bit_cast<std::uint32_t>(value) != 0x7FC0'0000U;
  }));
}

Floats sum_of(const Codec& codec, std::span<const Contribution> parts, std::size_t size, float factor) {
  Floats values(size);
  codec.sum(host_stream(), {parts, static_cast<std::int64_t>(size), factor}, values);
  return values;
}

}  // namespace

TEST_CASE("a NaN that a sum makes is 7FC00000, whatever it is made of") {
  for_each_codec([](const Codec& codec, const Codec& reference) {
    for (const std::size_t size : kSizes) {
      const auto elements = static_cast<std::int64_t>(size);
      const Floats a = nan_values(size, 0), b = nan_values(size, 3), c = nan_values(size, 5, 2);
      const Segment encoded = encode(reference, b), other = encode(reference, a);
      const std::array<Contribution, 4> parts{encoded.view(), other.view(), std::span<const float>(c),
                                              encoded.view()};
      const std::array<Contribution, 2> values{std::span<const float>(a), std::span<const float>(b)};
      CAPTURE(size);
      for (const std::span<const Contribution> sum :
           {std::span<const Contribution>(parts), std::span<const Contribution>(values)}) {
        const Floats found = sum_of(codec, sum, size, -0.5F);
        CHECK(other_nans(found) == 0);
        CHECK(differences(found, sum_of(reference, sum, size, -0.5F)) == 0);
        Segment segment(codec.wire_bytes(elements)), expected(codec.wire_bytes(elements));
        codec.encode_sum(host_stream(), {sum, elements, 1}, {}, {}, segment);
        reference.encode_sum(host_stream(), {sum, elements, 1}, {}, {}, expected);
        CHECK(segment == expected);
      }
      Floats total = a, expected_total = a;
      codec.decode_add(host_stream(), encoded, total);
      reference.decode_add(host_stream(), encoded, expected_total);
      CHECK(other_nans(total) == 0);
      CHECK(differences(total, expected_total) == 0);
    }
  });
}

TEST_CASE("infinity minus infinity, and a NaN times a factor, are 7FC00000") {
  for_each_codec([](const Codec& codec, const Codec&) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{257}}) {
      const Floats up(size, kInfinity), down(size, -kInfinity);
      const Floats broken(size, std::bit_cast<float>(0xFFC1'2345U));
      const std::array<Contribution, 2> parts{std::span<const float>(up), std::span<const float>(down)};
      const std::array<Contribution, 1> one{std::span<const float>(broken)};
      const Floats expected(size, kCanonical);
      CHECK(differences(sum_of(codec, parts, size, 1), expected) == 0);
      CHECK(differences(sum_of(codec, one, size, 2), expected) == 0);
    }
  });
}

TEST_CASE("a NaN that is only copied keeps its bits") {
  for_each_codec([](const Codec& codec, const Codec&) {
    for (const std::size_t size : kSizes) {
      const Floats values = nan_values(size, 0);
      const std::array<Contribution, 1> own{std::span<const float>(values)};
      CHECK(differences(sum_of(codec, own, size, 1), values) == 0);
      const Segment segment = encode(codec, values);
      const std::array<Contribution, 1> sent{segment.view()};
      CHECK(differences(sum_of(codec, sent, size, 1), decode(codec, segment, size)) == 0);
    }
  });
  const Floats values = nan_of_all_kinds();
  const auto codec = make_codec({}, {Format::fp32});
  CHECK(differences(round_trip(*codec, values), values) == 0);
}

TEST_CASE("bf16 and fp16 keep a NaN's sign and upper payload bits, and make it quiet") {
  for (const std::uint32_t bits : {0x7F80'0001U, 0xFF80'0001U, 0xFFC1'2345U, 0x7FD5'5555U, 0xFFFF'FFFFU}) {
    const Floats values{std::bit_cast<float>(bits)};
    const auto round_trip_bits = [&](Format format) {
      return std::bit_cast<std::uint32_t>(round_trip(*make_codec({}, {format}), values)[0]);
    };
    CHECK(round_trip_bits(Format::bf16) == ((bits & 0xFFFF'0000U) | 0x0040'0000U));
    CHECK(round_trip_bits(Format::fp16) == ((bits & 0xFFFF'E000U) | 0x0040'0000U));
  }
}

TEST_CASE("a residual that is added makes a NaN 7FC00000, and is dropped") {
  for_each_codec([](const Codec& codec, const Codec& reference) {
    for (const std::size_t size : kSizes) {
      const Floats values = nan_values(size, 2, 3);
      Floats residual = nan_values(size, 4, 2), expected_residual = residual;
      const Segment segment = encode(codec, values, {}, residual);
      CHECK(segment == encode(reference, values, {}, expected_residual));
      CHECK(differences(residual, expected_residual) == 0);
      CHECK(std::ranges::all_of(residual, [](float rest) { return std::isfinite(rest); }));
      if (!has_scales(codec.encoding().format)) CHECK(other_nans(decode(codec, segment, size)) == 0);
    }
  });
}

TEST_CASE("scales and codes that nobody sends stand for what they say, a NaN for 7FC00000") {
  for (const Format format : all_formats()) {
    const auto reference = make_reference_codec({format});
    const Segment segment = segment_never_sent(format, *reference);
    const Floats expected = decode(*reference, segment, kNeverSent);
    if (has_scales(format)) CHECK(other_nans(expected) == 0);
    for (const host::Instructions instructions : host::available_instructions()) {
      const auto codec = host::make_codec({format}, Rounding::nearest, instructions);
      CAPTURE(to_string(format), to_string(instructions));
      CHECK(differences(decode(*codec, segment, kNeverSent), expected) == 0);
      Floats sums(kNeverSent, 1.0F), expected_sums(kNeverSent, 1.0F);
      codec->decode_add(host_stream(), segment, sums);
      reference->decode_add(host_stream(), segment, expected_sums);
      CHECK(differences(sums, expected_sums) == 0);
    }
  }
}
