// The codecs of a GPU against the reference: every byte of segments, every bit of values and residuals.
// Addresses are aligned and unaligned, with and without room behind them.

#include "quant8/cuda/codec.hpp"

#include "kernels/base/error.hpp"
#include "tests/quant8/cuda/support.hpp"

using namespace eightfold;
using namespace eightfold::quant8;
using namespace eightfold::quant8::testing;

namespace {

const std::vector<std::size_t> kEdges{0, 1, 3, 255, 256, 257, 1000};
constexpr std::size_t kMany = 70'001;  // more blocks than the half warps of a small device
const std::vector<Margins> kMargins{{0, 16}, {4, 0}};
const Stamp kStamp{77, {11, 2, 3, 4, 5, 6}};

// Calls check(codec, reference) for every encoding that can be rounded so.
template <class Check>
void for_each_codec(const Check& check) {
  for (const Rounding rounding : {Rounding::nearest, Rounding::stochastic})
    for (const Format format : all_formats()) {
      if (rounding == Rounding::stochastic && !has_levels(format)) continue;
      for (const Scaling scaling : {Scaling::block, Scaling::tensor}) {
        const Encoding encoding{format, scaling};
        CAPTURE(to_string(format), scaling == Scaling::tensor, rounding == Rounding::stochastic);
        check(*make_codec(kCuda, encoding, rounding), *make_reference_codec(encoding, rounding));
      }
    }
}

void check_encoding(const Codec& codec, const Codec& reference, const HostSum& sum, const Floats& residual,
                    Margins margins) {
  const Encoded should = encode_on_host(reference, sum, residual, kStamp);
  const Encoded is = encode_on_device(codec, sum, residual, kStamp, margins);
  CAPTURE(sum.elements, sum.parts.size(), margins.offset);
  CHECK(is.segment == should.segment);
  CHECK(differences(is.residual, should.residual) == 0);
}

void check_round_trip(const Codec& codec, const Codec& reference, const Floats& values, Margins margins) {
  check_encoding(codec, reference, sum_of(values), {}, margins);
  const Segment segment = encode(reference, values, kStamp);
  CHECK(differences(decode_on_device(codec, segment, values.size(), margins),
                    decode(reference, segment, values.size())) == 0);
}

Floats normal_values(Random& random, std::size_t size, float factor = 1) {
  return random_values(size, [&] { return factor * random.normal(); });
}

// Own values between segments of other ranks, as a shard's owner adds them.
HostSum mixed_sum(const Codec& reference, Random& random, std::size_t size, int parts, float factor) {
  HostSum sum{{}, static_cast<std::int64_t>(size), factor};
  for (int i = 0; i < parts; ++i) {
    Floats values = normal_values(random, size, static_cast<float>(i + 1));
    if (i == parts / 2)
      sum.parts.emplace_back(std::move(values));
    else
      sum.parts.emplace_back(encode(reference, values, kStamp));
  }
  return sum;
}

const Floats kSpecial{0.0F,
                      -0.0F,
                      1.0F,
                      -1.0F,
                      std::numeric_limits<float>::denorm_min(),
                      -std::numeric_limits<float>::denorm_min(),
                      0x1p-126F,
                      -0x1.fffffep-127F,
                      0x1p-130F,
                      std::numeric_limits<float>::max(),
                      -std::numeric_limits<float>::max(),
                      0x1.fep127F,
                      0x1.ff8p127F,
                      0x1p126F,
                      kInfinity,
                      -kInfinity,
                      kNaN,
                      -kNaN,
                      1e-7F,
                      -3e-3F};

}  // namespace

TEST_CASE("a GPU writes and reads the reference's bytes for every size") {
  Random random(1);
  for_each_codec([&](const Codec& codec, const Codec& reference) {
    for (const std::size_t size : kEdges)
      for (const Margins margins : kMargins)
        check_round_trip(codec, reference, normal_values(random, size), margins);
  });
}

TEST_CASE("a GPU writes and reads the reference's bytes where each warp has many blocks") {
  Random random(2);
  const Floats values = random_values(kMany, [&] { return random.spread(12); });
  for_each_codec(
      [&](const Codec& codec, const Codec& reference) { check_round_trip(codec, reference, values, {}); });
}

TEST_CASE("a GPU finds every threshold of every table") {
  for (const Format format : formats_with_levels()) {
    const LevelTable table = make_table(levels_of(format));
    Floats values;
    for (int i = 0; i + 1 < table.count; ++i)
      for (const float sign : {1.0F, -1.0F})
        for (const float y : {table.threshold[i], std::nextafter(table.threshold[i], 1.0F), table.level[i]}) {
          if (values.size() % 256 == 0) values.push_back(1);  // with which y is the value
          values.push_back(sign * y);
        }
    CAPTURE(to_string(format));
    check_round_trip(*make_codec(kCuda, {format}), *make_reference_codec({format}), values, {});
  }
}

TEST_CASE("a GPU agrees on special values") {
  for_each_codec([&](const Codec& codec, const Codec& reference) {
    for (const float special : kSpecial) {
      Floats values(600, 0.25F);  // the middle block only
      values[300] = special;
      check_encoding(codec, reference, sum_of(values), Floats(600, 0.0F), {});
    }
    check_round_trip(codec, reference, kSpecial, {});
    Floats finite = kSpecial;
    std::erase_if(finite, [](float value) { return !std::isfinite(value); });
    check_round_trip(codec, reference, finite, {});
  });
}

TEST_CASE("a GPU encodes random bits as the reference does, block by block") {
  Random random(3);
  for (const Format format : all_formats()) {
    const auto codec = make_codec(kCuda, {format});
    const auto reference = make_reference_codec({format});
    CAPTURE(to_string(format));
    check_round_trip(*codec, *reference, random_values(10'000, [&] { return random.bits(); }), {});
    check_round_trip(*codec, *reference, random_values(10'000, [&] { return random.spread(40); }), {});
    check_round_trip(*codec, *reference,
                     random_values(10'000, [&] { return std::ldexp(random.spread(4), 127); }), {});
    check_round_trip(*codec, *reference,
                     random_values(10'000, [&] { return std::ldexp(random.spread(40), -110); }), {});
  }
}

TEST_CASE("a GPU decodes every byte and every scale alike") {
  Random random(4);
  for (const Format format : all_formats())
    for (const std::size_t size : {std::size_t{1000}, std::size_t{5001}}) {
      const auto codec = make_codec(kCuda, {format});
      const auto reference = make_reference_codec({format});
      Segment segment = encode(*reference, Floats(size, 1.0F));
      for (std::size_t i = sizeof(Header); i < segment.size(); ++i)
        segment.data()[i] = static_cast<std::byte>(random.word());
      CAPTURE(to_string(format));
      CHECK(differences(decode_on_device(*codec, segment, size), decode(*reference, segment, size)) == 0);
    }
}

TEST_CASE("a GPU adds decoded values to those that are there") {
  Random random(5);
  for_each_codec([&](const Codec& codec, const Codec& reference) {
    for (const Margins margins : kMargins) {
      const Floats values = normal_values(random, 1000);
      const Segment segment = encode(reference, normal_values(random, 1000));
      Floats should = values;
      reference.decode_add(host_stream(), segment, should);
      CHECK(differences(decode_add_on_device(codec, segment, values, margins), should) == 0);
    }
  });
}

TEST_CASE("a GPU adds encoded shards in their order, scales the sum and encodes it in one pass") {
  Random random(6);
  for_each_codec([&](const Codec& codec, const Codec& reference) {
    for (const int parts : {1, 2, 5})
      for (const std::size_t size : {std::size_t{1}, std::size_t{257}, std::size_t{1000}}) {
        const Margins margins = kMargins[size == 257 ? 1 : 0];
        const HostSum sum = mixed_sum(reference, random, size, parts, parts == 2 ? 1.0F : -0.3F);
        check_encoding(codec, reference, sum, size == 1 ? Floats{} : normal_values(random, size, 0.01F),
                       margins);
        CHECK(differences(sum_on_device(codec, sum, margins), sum_on_host(reference, sum)) == 0);
      }
  });
}

TEST_CASE("what a GPU finds in the padding of a segment never shows") {
  for (const Format format : all_formats()) {
    const auto codec = make_codec(kCuda, {format});
    const auto reference = make_reference_codec({format});
    Segment segment = encode(*reference, Floats(301, 0.5F));
    const Layout layout = layout_of({format}, 301);
    for (std::size_t i = layout.codes + code_bytes(format, 301); i < layout.bytes; ++i)
      segment.data()[i] = std::byte{0x7F};
    const HostSum sum{{segment, Floats(301, 0.25F)}, 301, 1};
    CAPTURE(to_string(format));
    check_encoding(*codec, *reference, sum, {}, {});
  }
}

TEST_CASE("a GPU adds as many contributions as a sum may have") {
  Random random(7);
  const auto codec = make_codec(kCuda, {});
  const auto reference = make_reference_codec({});
  const HostSum sum = mixed_sum(*reference, random, 777, static_cast<int>(kMaxContributions), 1.0F / 128);
  check_encoding(*codec, *reference, sum, {}, {});
}

TEST_CASE("a NaN that a sum makes on a GPU is 7FC00000, one that is only copied keeps its bits") {
  for (const Format format : all_formats()) {
    const auto codec = make_codec(kCuda, {format});
    const auto reference = make_reference_codec({format});
    CAPTURE(to_string(format));
    for (const std::size_t size : {std::size_t{1}, std::size_t{515}}) {
      const Margins margins = kMargins[size % 2];
      const auto elements = static_cast<std::int64_t>(size);
      const Segment sent = encode(*reference, nan_values(size, 3), kStamp);
      const HostSum mixed{{sent, nan_values(size, 0), nan_values(size, 5, 2), sent}, elements, -0.5F};
      const HostSum copied = sum_of(nan_values(size, 0)), decoded{{sent}, elements, 1};
      const HostSum scaled{{nan_values(size, 0)}, elements, 2};
      for (const HostSum& sum : {mixed, copied, decoded, scaled}) {
        check_encoding(*codec, *reference, sum, {}, margins);
        CHECK(differences(sum_on_device(*codec, sum, margins), sum_on_host(*reference, sum)) == 0);
      }
      check_encoding(*codec, *reference, copied, nan_values(size, 4, 3), margins);
    }
  }
}

TEST_CASE("scales and codes that nobody sends decode on a GPU as they do on the host") {
  for (const Format format : all_formats()) {
    const auto codec = make_codec(kCuda, {format});
    const auto reference = make_reference_codec({format});
    CAPTURE(to_string(format));
    const Segment segment = segment_never_sent(format, *reference);
    CHECK(differences(decode_on_device(*codec, segment, kNeverSent),
                      decode(*reference, segment, kNeverSent)) == 0);
    Floats sums(kNeverSent, 1.0F);
    reference->decode_add(host_stream(), segment, sums);
    CHECK(differences(decode_add_on_device(*codec, segment, Floats(kNeverSent, 1.0F)), sums) == 0);
  }
}

TEST_CASE("a GPU leaves a sum where one of its contributions was") {
  Random random(8);
  for (const Format format : {Format::dynamic_tree8, Format::one_bit, Format::bf16}) {
    const auto codec = make_codec(kCuda, {format});
    const auto reference = make_reference_codec({format});
    const HostSum sum = mixed_sum(*reference, random, 1300, 3, 0.5F);
    const kernels::Stream stream(kCuda);
    DeviceSum parts(stream, sum, {});
    codec->sum(stream, parts.view(), parts.memory(1).as<float>());
    CHECK(differences(parts.memory(1).fetch_values(), sum_on_host(*reference, sum)) == 0);
  }
}

TEST_CASE("a GPU feeds errors back as the reference does, step after step") {
  Random random(9);
  for_each_codec([&](const Codec& codec, const Codec& reference) {
    Floats is(1000), should(1000);
    for (int step = 0; step < 3; ++step) {
      const HostSum sum = sum_of(normal_values(random, 1000));
      is = encode_on_device(codec, sum, is, kStamp).residual;
      should = encode_on_host(reference, sum, should, kStamp).residual;
      CHECK(differences(is, should) == 0);
    }
  });
}

TEST_CASE("a GPU draws the reference's random numbers wherever a segment starts in its bucket") {
  Random random(10);
  for (const Format format : {Format::dynamic_tree8, Format::linear4})
    for (const std::uint64_t first : {0, 1, 2, 3, 256}) {
      const auto codec = make_codec(kCuda, {format}, Rounding::stochastic);
      const auto reference = make_reference_codec({format}, Rounding::stochastic);
      const HostSum sum = sum_of(normal_values(random, 515));
      const Stamp stamp{1, {5, 6, 7, 8, RoundingKey::kNoRank, first}};
      CHECK(encode_on_device(*codec, sum, {}, stamp).segment ==
            encode_on_host(*reference, sum, {}, stamp).segment);
    }
}

TEST_CASE("what a GPU encodes on one stream can be decoded on another after an event") {
  constexpr std::size_t kSize = 3000;
  Random random(11);
  const auto codec = make_codec(kCuda, {Format::dynamic_tree8, Scaling::tensor});
  const auto reference = make_reference_codec({Format::dynamic_tree8, Scaling::tensor});
  const kernels::Stream sender(kCuda), receiver(kCuda);
  const Floats values = normal_values(random, kSize);
  Mirror from(sender, bytes_of(values), {});
  Mirror segment(sender, unwritten(codec->wire_bytes(kSize)), {});
  Mirror decoded(receiver, unwritten(kSize * sizeof(float)), {});
  kernels::Event encoded(kCuda);
  codec->encode(sender, std::span<const float>(from.as<float>()), {}, {}, segment.as<std::byte>());
  encoded.record(sender);
  encoded.wait(receiver);
  codec->decode(receiver, std::span<const std::byte>(segment.as<std::byte>()), decoded.as<float>());
  CHECK(differences(decoded.fetch_values(), round_trip(*reference, values)) == 0);
  static_cast<void>(segment.fetch());
}

TEST_CASE("a call of a GPU's codec neither allocates nor waits") {
  const kernels::Stream stream(kCuda);
  const HostSum sum = sum_of(Floats(1000, 0.5F));
  for_each_codec([&](const Codec& codec, const Codec&) {
    const DeviceSum parts(stream, sum, {});
    Mirror residual(stream, unwritten(4000), {});
    Mirror segment(stream, unwritten(codec.wire_bytes(1000)), {});
    const kernels::DeviceCounters before = kernels::device_counters();
    codec.encode_sum(stream, parts.view(), residual.as<float>(), {}, segment.as<std::byte>());
    codec.decode_add(stream, std::span<const std::byte>(segment.as<std::byte>()), residual.as<float>());
    const kernels::DeviceCounters after = kernels::device_counters();
    CHECK(after.allocations == before.allocations);
    CHECK(after.synchronizations == before.synchronizations);
    stream.view().synchronize();
  });
}

TEST_CASE("a codec of a GPU writes no hash and says so") {
  CHECK_THROWS_AS(make_codec(kCuda, {Format::linear8, Scaling::block, true}), base::ConfigError);
}
