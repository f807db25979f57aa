// The defects of clusterNet, the code that came with the 2016 paper, as far as they are a codec's: none of
// them may come back. Those of its exchange are tested in tests/comm.
#include "kernels/base/error.hpp"
#include "quant8/codec.hpp"
#include "quant8/fidelity.hpp"
#include "quant8/segment.hpp"
#include "tests/quant8/support.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::quant8;
using namespace eightfold::quant8::testing;

namespace {

// Calls check(codec, format) for all formats that scale, one scale per block and one in all.
template <class Check>
void for_each_scaled(const Check& check) {
  for (const Format format : all_formats())
    for (const Scaling scaling : {Scaling::block, Scaling::tensor}) {
      if (!has_scales(format)) continue;
      CAPTURE(to_string(format), scaling == Scaling::tensor);
      check(*make_codec({}, {format, scaling}), format);
    }
}

unsigned code_at(const Codec& codec, const Segment& segment, std::int64_t elements, std::size_t i) {
  return std::to_integer<unsigned>(segment.data()[layout_of(codec.encoding(), elements).codes + i]);
}

}  // namespace

TEST_CASE("2016 defect: the code of zero decoded to full scale") {
  for_each_scaled([](const Codec& codec, Format format) {
    if (format == Format::one_bit) return;  // has no zero but blocks of zeros
    const Floats values{0, 1, -0.0F, -1, 0};
    const Floats received = round_trip(codec, values);
    CHECK(received == values);
    CHECK(std::signbit(received[2]));
    for (const unsigned code : {0x00U, 0x80U}) {
      Segment segment = encode(codec, Floats{1});
      segment.data()[layout_of(codec.encoding(), 1).codes] = static_cast<std::byte>(code);
      if (format != Format::linear4) CHECK(decode(codec, segment, 1) == Floats{0});
    }
  });
}

TEST_CASE("2016 defect: a quarter of the values were not rounded to the nearest level") {
  for (const Format format : formats_with_levels()) {
    const LevelTable table = make_table(levels_of(format));
    const auto codec = make_codec({}, {format, Scaling::tensor});
    Random random(1);
    Floats values = random_values(20'000, [&] { return random.spread(8); });
    values[0] = 1;  // the scale: no level is rounded on its way
    const Floats received = round_trip(*codec, values);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      double nearest = 2;
      for (int level = 0; level < table.count; ++level)
        nearest = std::min(nearest, std::abs(static_cast<double>(std::abs(values[i])) -
                                             static_cast<double>(table.level[level])));
      const double off = std::abs(static_cast<double>(values[i]) - static_cast<double>(received[i]));
      wrong += off > nearest + 1e-8;  // thresholds are fp32
    }
    CAPTURE(to_string(format));
    CHECK(wrong == 0);
  }
}

TEST_CASE("2016 defect: even codes took three quarters of the values, magnitudes shrank by a percent") {
  const auto codec = make_codec({}, {Format::dynamic_tree8, Scaling::tensor});
  Random random(2);
  const Floats values = random_values(200'000, [&] { return random.normal(); });
  const Segment segment = encode(*codec, values);
  std::size_t even = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    even += code_at(*codec, segment, static_cast<std::int64_t>(values.size()), i) % 2 == 0;
  CHECK(static_cast<double>(even) / static_cast<double>(values.size()) == Approx(0.5).margin(0.01));
  CHECK(std::abs(fidelity(values, decode(*codec, segment, values.size())).bias) < 5e-4);
}

TEST_CASE("2016 defect: the search read beyond its table just below full scale") {
  const auto codec = make_codec({}, {Format::dynamic_tree8});
  const LevelTable table = make_table(levels_of(Format::dynamic_tree8));
  const Floats values{1, 0.9915F, 0.9956F, table.threshold[126], std::nextafter(table.threshold[126], 1.0F)};
  const Segment segment = encode(*codec, values);
  const std::vector<unsigned> expected{127, 126, 126, 126, 127};
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(code_at(*codec, segment, 5, i) == expected[i]);
}

TEST_CASE("2016 defect: every layer had a constant for its largest gradient") {
  Random random(3);
  const Floats values = random_values(1000, [&] { return random.normal(); });
  for_each_scaled([&](const Codec& codec, Format) {
    const Floats received = round_trip(codec, values);
    for (const int exponent : {-110, -20, 1, 100}) {
      Floats scaled = values, expected = received;
      for (float& value : scaled) value = std::ldexp(value, exponent);
      for (float& value : expected) value = std::ldexp(value, exponent);
      CAPTURE(exponent);
      CHECK(round_trip(codec, scaled) == expected);
    }
  });
}

TEST_CASE("2016 defect: one tag for the messages of all layers") {
  const Encoding encoding{Format::dynamic_tree8};
  const Segment segment = encode(*make_codec({}, encoding), Floats(10, 1.0F), {3, {}});
  check_header(segment, header_of(encoding, 3, 10), "rank 0", "rank 1");
  CHECK_THROWS_AS(check_header(segment, header_of(encoding, 4, 10), "rank 0", "rank 1"), base::DataError);
}

TEST_CASE("2016 defect: counts that divide by nothing were not possible") {
  Random random(4);
  for_each_scaled([&](const Codec& codec, Format format) {
    if (format == Format::one_bit) return;  // a mean may be twice a value
    for (const std::size_t size : {0, 1, 3, 255, 256, 257, 1021}) {
      const Floats values = random_values(size, [&] { return 1 + random.uniform(); });
      const Floats received = round_trip(codec, values);
      REQUIRE(received.size() == size);
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < size; ++i) wrong += std::abs(received[i] - values[i]) > 0.15F;
      CHECK(wrong == 0);
    }
  });
}

TEST_CASE("2016 defect: counts were 32 bits wide") {
  const std::int64_t elements = (std::int64_t{1} << 32) + 1;
  const Encoding encoding{Format::linear8, Scaling::tensor};
  CHECK(header_of(encoding, 0, elements).elements == 4'294'967'297U);
  CHECK(wire_bytes(encoding, elements) == 16 + 16 + 4'294'967'296U + 16);
  CHECK(random_index({}, elements) == static_cast<std::uint64_t>(elements));
}

TEST_CASE("2016 defect: a tensor of zeros was divided by its largest value") {
  for_each_scaled([](const Codec& codec, Format) {
    for (const float value : {0.0F, -0.0F, 0x1p-149F, 0x1p-128F}) {
      const Floats received = round_trip(codec, Floats(300, value));
      CHECK(received == Floats(300, 0.0F));
    }
  });
}

TEST_CASE("2016 defect: NaN and infinity became ordinary numbers") {
  for_each_scaled([](const Codec& codec, Format) {
    const bool is_common = codec.encoding().scaling == Scaling::tensor;
    for (const float value : {kNaN, -kNaN, kInfinity, -kInfinity}) {
      Floats values(600, 1.0F);
      values[256] = value;
      const Floats received = round_trip(codec, values);
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < values.size(); ++i)
        wrong += std::isnan(received[i]) != (is_common || i / 256 == 1);
      CHECK(wrong == 0);
    }
  });
}

TEST_CASE("2016 defect: the mean over ranks was right for two of them only") {
  for (const std::size_t ranks : {1, 2, 3, 5, 7}) {
    const auto codec = make_codec({}, {});
    std::vector<Segment> shards;
    std::vector<Contribution> parts;
    for (std::size_t rank = 0; rank < ranks; ++rank)
      shards.push_back(encode(*codec, Floats(300, static_cast<float>(rank + 1))));
    for (const Segment& shard : shards) parts.emplace_back(shard.view());
    Floats mean(300);
    codec->sum(host_stream(), {parts, 300, 1 / static_cast<float>(ranks)}, mean);
    CAPTURE(ranks);
    for (const float value : mean) REQUIRE(value == Approx(static_cast<double>(ranks + 1) / 2));
  }
}

TEST_CASE("2016 defect: the table of levels was read from the author's home directory") {
  constexpr LevelTable kTable = make_table(dynamic_tree_levels());  // known to the compiler
  static_assert(kTable.count == 128);
  CHECK(kTable.level[126] == 0.99140625F);
}
