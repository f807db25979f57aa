#include "quant8/codec.hpp"

#include "kernels/base/error.hpp"
#include "tests/quant8/support.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::quant8;
using namespace eightfold::quant8::testing;

namespace {

// Calls check(codec, reference) for every implementation of every format on this machine.
template <class Check>
void for_each_codec(Rounding rounding, const Check& check) {
  for (const Format format : all_formats()) {
    if (rounding == Rounding::stochastic && !has_levels(format)) continue;
    for (const Scaling scaling : {Scaling::block, Scaling::tensor}) {
      const Encoding encoding{format, scaling};
      const auto reference = make_reference_codec(encoding, rounding);
      for (const host::Instructions instructions : host::available_instructions()) {
        CAPTURE(to_string(format), to_string(instructions), scaling == Scaling::tensor);
        check(*host::make_codec(encoding, rounding, instructions), *reference);
      }
    }
  }
}

void check_equal(const Codec& codec, const Codec& reference, const Floats& values, const Stamp& stamp = {}) {
  const Segment expected = encode(reference, values, stamp);
  CHECK(encode(codec, values, stamp) == expected);
  const Floats decoded = decode(reference, expected, values.size());
  CHECK(differences(decode(codec, expected, values.size()), decoded) == 0);
  Floats sums = values, expected_sums = values;
  codec.decode_add(host_stream(), expected, sums);
  reference.decode_add(host_stream(), expected, expected_sums);
  CHECK(differences(sums, expected_sums) == 0);
}

// Every threshold of a format and the number behind it, with a 1 in each block that makes y = x.
Floats thresholds_of(Format format) {
  const LevelTable table = make_table(levels_of(format));
  Floats values;
  for (int i = 0; i + 1 < table.count; ++i)
    for (const float sign : {1.0F, -1.0F})
      for (const float y : {table.threshold[i], std::nextafter(table.threshold[i], 1.0F), table.level[i]}) {
        if (values.size() % 256 == 0) values.push_back(1);
        values.push_back(sign * y);
      }
  return values;
}

const Floats kSpecial{0.0F,
                      -0.0F,
                      1.0F,
                      -1.0F,
                      std::numeric_limits<float>::denorm_min(),
                      -std::numeric_limits<float>::denorm_min(),
                      0x1.fffffcp-127F,
                      0x1p-126F,
                      0x1.fffffep-127F,
                      0x1p-130F,
                      std::numeric_limits<float>::max(),
                      -std::numeric_limits<float>::max(),
                      0x1.fep127F,
                      0x1.ff8p127F,
                      0x1p126F,
                      0x1.8p127F,
                      kInfinity,
                      -kInfinity,
                      kNaN,
                      -kNaN,
                      std::bit_cast<float>(0x7F80'0001U),
                      std::bit_cast<float>(0xFFFF'FFFFU),
                      1e-7F,
                      -3e-3F};

}  // namespace

TEST_CASE("every implementation writes the reference's bytes, for every size") {
  Random random(1);
  for_each_codec(Rounding::nearest, [&](const Codec& codec, const Codec& reference) {
    for (const std::size_t size : kSizes)
      check_equal(codec, reference, random_values(size, [&] { return random.normal(); }));
  });
}

TEST_CASE("every implementation writes the reference's bytes, for values of all sizes and random bits") {
  Random random(2);
  for_each_codec(Rounding::nearest, [&](const Codec& codec, const Codec& reference) {
    check_equal(codec, reference, random_values(20'000, [&] { return random.spread(40); }));
    check_equal(codec, reference, random_values(20'000, [&] { return std::ldexp(random.spread(4), 127); }));
    check_equal(codec, reference, random_values(20'000, [&] { return std::ldexp(random.spread(40), -110); }));
    check_equal(codec, reference, random_values(10'000, [&] { return random.bits(); }));
  });
}

TEST_CASE("every implementation finds every threshold of every table") {
  for_each_codec(Rounding::nearest, [&](const Codec& codec, const Codec& reference) {
    for (const Format format : formats_with_levels()) check_equal(codec, reference, thresholds_of(format));
  });
}

TEST_CASE("every implementation agrees on special values, in every position of a register") {
  for_each_codec(Rounding::nearest, [&](const Codec& codec, const Codec& reference) {
    for (const float special : kSpecial) {
      check_equal(codec, reference, Floats(300, special));
      for (const std::size_t at : {std::size_t{0}, std::size_t{37}, std::size_t{255}, std::size_t{256}}) {
        Floats values(270, 0.25F);
        values[at] = special;
        check_equal(codec, reference, values);
      }
    }
    check_equal(codec, reference, kSpecial);
  });
}

TEST_CASE("every implementation decodes every byte and every scale alike") {
  Random random(3);
  for_each_codec(Rounding::nearest, [&](const Codec& codec, const Codec& reference) {
    for (const std::size_t size : {std::size_t{1000}, std::size_t{256}}) {
      Segment segment = encode(reference, Floats(size, 1.0F));
      for (std::size_t i = sizeof(Header); i < segment.size(); ++i)
        segment.data()[i] = static_cast<std::byte>(random.word());
      CHECK(differences(decode(codec, segment, size), decode(reference, segment, size)) == 0);
    }
  });
}

TEST_CASE("every implementation draws the same numbers") {
  Random random(4);
  for_each_codec(Rounding::stochastic, [&](const Codec& codec, const Codec& reference) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{257}, std::size_t{2049}}) {
      const Stamp stamp{1, {11, 2, 3, 4, 5, 6 + size}};
      check_equal(codec, reference, random_values(size, [&] { return random.normal(); }), stamp);
    }
  });
}

TEST_CASE("segments too large for the caches have the same bytes") {
  Random random(5);
  for (const Format format :
       {Format::dynamic_tree8, Format::linear4, Format::one_bit, Format::bf16, Format::fp16, Format::fp32}) {
    const std::size_t size = (std::size_t{9} << 20) + 333;
    Floats values(size);
    for (std::size_t i = 0; i < size; ++i) values[i] = i < 5000 ? random.normal() : values[i % 4999];
    const auto reference = host::make_codec({format}, Rounding::nearest, host::Instructions::portable);
    const auto codec = host::make_codec({format}, Rounding::nearest, host::best_instructions());
    const Segment whole = encode(*codec, values);
    CAPTURE(to_string(format));
    CHECK(whole == encode(*reference, values));
    Floats pieces = values;  // decoded in parts that stay in the caches
    const Floats decoded = decode(*codec, whole, size);
    std::size_t wrong = 0;
    for (std::size_t first = 0; first < size; first += 1 << 18) {
      const std::size_t count = std::min<std::size_t>(1 << 18, size - first);
      const Floats part = round_trip(*codec, std::span(values).subspan(first, count));
      wrong += !std::equal(part.begin(), part.end(), decoded.begin() + static_cast<std::ptrdiff_t>(first));
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("a sum of encoded shards is added in their order, scaled and encoded") {
  Random random(6);
  for_each_codec(Rounding::nearest, [&](const Codec& codec, const Codec& reference) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{257}, std::size_t{1000}}) {
      const auto elements = static_cast<std::int64_t>(size);
      const Floats own = random_values(size, [&] { return random.normal(); });
      std::vector<Segment> shards;
      for (const float spread : {1.0F, 100.0F, 0.1F, 7.0F})
        shards.push_back(encode(reference, random_values(size, [&] { return spread * random.normal(); })));
      const std::array<Contribution, 6> parts{shards[0].view(), shards[1].view(),
                                              shards[2].view(), std::span<const float>(own),
                                              shards[3].view(), shards[0].view()};
      Floats expected = decode(reference, shards[0], size);
      for (const std::size_t shard : {1U, 2U}) reference.decode_add(host_stream(), shards[shard], expected);
      for (std::size_t i = 0; i < size; ++i) expected[i] += own[i];
      for (const std::size_t shard : {3U, 0U}) reference.decode_add(host_stream(), shards[shard], expected);
      for (float& value : expected) value *= 0.3F;
      Segment sum(codec.wire_bytes(elements));
      codec.encode_sum(host_stream(), {parts, elements, 0.3F}, {}, {}, sum);
      CHECK(sum == encode(reference, expected));
      Floats unencoded(size);
      codec.sum(host_stream(), {parts, elements, 0.3F}, unencoded);
      CHECK(differences(unencoded, expected) == 0);
    }
  });
}

TEST_CASE("a sum can be left in fp32, in the place of a contribution too") {
  Random random(7);
  for_each_codec(Rounding::nearest, [&](const Codec& codec, const Codec& reference) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{257}, std::size_t{1000}}) {
      const auto elements = static_cast<std::int64_t>(size);
      Floats own = random_values(size, [&] { return random.normal(); });
      const Segment shard = encode(reference, random_values(size, [&] { return 10 * random.normal(); }));
      const std::array<Contribution, 3> parts{shard.view(), std::span<const float>(own), shard.view()};
      Floats expected = decode(reference, shard, size);
      for (std::size_t i = 0; i < size; ++i) expected[i] += own[i];
      reference.decode_add(host_stream(), shard, expected);
      for (float& value : expected) value *= 0.25F;
      Floats elsewhere(size, kNaN);
      codec.sum(host_stream(), {parts, elements, 0.25F}, elsewhere);
      CHECK(differences(elsewhere, expected) == 0);
      reference.sum(host_stream(), {parts, elements, 0.25F}, elsewhere);
      CHECK(differences(elsewhere, expected) == 0);
      codec.sum(host_stream(), {parts, elements, 0.25F}, own);
      CHECK(differences(own, expected) == 0);
      codec.sum(host_stream(), {std::span(parts).subspan(1, 1), elements, 1}, own);
      CHECK(differences(own, expected) == 0);
    }
  });
}

TEST_CASE("a sum may be of encoded shards alone") {
  const auto codec = make_codec({}, {Format::linear8});
  const Segment shard = encode(*codec, Floats(500, -1.0F));
  const std::array<Contribution, 2> parts{shard.view(), shard.view()};
  Segment sum(codec->wire_bytes(500));
  codec->encode_sum(host_stream(), {parts, 500, 1}, {}, {}, sum);
  CHECK(decode(*codec, sum, 500) == Floats(500, -2.0F));
}

TEST_CASE("sizes that do not fit are refused") {
  const auto codec = make_codec({}, {});
  const Floats values(10);
  Floats residual(9), out(11);
  Segment segment(codec->wire_bytes(10)), longer(codec->wire_bytes(10) + 16);
  CHECK_THROWS_AS(codec->encode(host_stream(), values, {}, {}, longer), base::InternalError);
  CHECK_THROWS_AS(codec->encode(host_stream(), values, residual, {}, segment), base::InternalError);
  CHECK_THROWS_AS(codec->decode(host_stream(), longer, out), base::InternalError);
  CHECK_THROWS_AS(codec->encode_sum(host_stream(), {{}, 10, 1}, {}, {}, segment), base::InternalError);
  const std::array<Contribution, 1> parts{std::span<const float>(values)};
  CHECK_THROWS_AS(codec->sum(host_stream(), {parts, 10, 1}, out), base::InternalError);
  CHECK_THROWS_AS(codec->sum(host_stream(), {parts, 11, 1}, out), base::InternalError);
  const std::span<std::byte> shifted = std::span<std::byte>(longer).subspan(8, segment.size());
  CHECK_THROWS_AS(codec->encode(host_stream(), values, {}, {}, shifted), base::InternalError);
}

TEST_CASE("stochastic rounding needs levels") {
  CHECK_THROWS_AS(make_codec({}, {Format::one_bit}, Rounding::stochastic), base::ConfigError);
  CHECK_THROWS_AS(make_codec({}, {Format::bf16}, Rounding::stochastic), base::ConfigError);
}
