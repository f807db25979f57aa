#include "quant8/rounding.hpp"

#include "quant8/codec.hpp"
#include "tests/quant8/support.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::quant8;
using namespace eightfold::quant8::testing;

namespace {

std::unique_ptr<Codec> stochastic(Format format, Scaling scaling = Scaling::block) {
  return make_codec({}, {format, scaling}, Rounding::stochastic);
}

}  // namespace

TEST_CASE("stochastic rounding is right in the mean") {
  constexpr int kDraws = 20'000;
  for (const Format format : formats_with_levels()) {
    const auto codec = stochastic(format);
    const LevelTable table = make_table(levels_of(format));
    Random random(1);
    Floats values = random_values(64, [&] { return 2 * random.uniform() - 1; });
    values[0] = 1;  // makes the scale
    std::vector<double> sums(values.size());
    for (std::uint32_t step = 0; step < kDraws; ++step) {
      const Floats received =
          decode(*codec, encode(*codec, values, {0, {7, step, 1, 0, 0, 0}}), values.size());
      for (std::size_t i = 0; i < values.size(); ++i) sums[i] += static_cast<double>(received[i]);
    }
    std::size_t biased = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const int nearest = nearest_level(table, std::abs(values[i]));
      const int upper = std::min(nearest + 1, table.count - 1), lower = std::max(nearest - 1, 0);
      const double gap = static_cast<double>(table.level[upper] - table.level[lower]);
      const double deviation = gap / 2 / std::sqrt(kDraws);  // of a mean of two values a gap apart
      biased += std::abs(sums[i] / kDraws - static_cast<double>(values[i])) > 4.5 * deviation;
    }
    CAPTURE(to_string(format));
    CHECK(biased == 0);
  }
}

TEST_CASE("stochastic rounding draws again for another seed, step, bucket, stage, rank or element") {
  const auto codec = stochastic(Format::linear4);
  Random random(2);
  const Floats values = random_values(512, [&] { return random.normal(); });
  const RoundingKey key{1, 2, 3, 4, 5, 6 * 256};
  const Segment segment = encode(*codec, values, {0, key});
  CHECK(encode(*codec, values, {0, key}) == segment);
  for (int field = 0; field < 6; ++field) {
    RoundingKey other = key;
    if (field == 0) other.seed = 9;
    if (field == 1) other.step = 9;
    if (field == 2) other.bucket = 9;
    if (field == 3) other.stage = 9;
    if (field == 4) other.rank = RoundingKey::kNoRank;
    if (field == 5) other.first = 9 * 256;
    CAPTURE(field);
    CHECK_FALSE(encode(*codec, values, {0, other}) == segment);
  }
}

TEST_CASE("the stages of a step have numbers of their own, and the seal's is no partial sum's") {
  CHECK(RoundingStage::kContribution == 0);  // docs/wire_format.md
  CHECK(RoundingStage::kSeal == 63);
  CHECK(RoundingStage::partial_sum(0) == 1);
  CHECK(RoundingStage::partial_sum(61) == 62);
  CHECK(RoundingStage::partial_sum(62) == 1);
}

TEST_CASE("stochastic rounding does not depend on how a bucket is divided into segments") {
  const auto codec = stochastic(Format::dynamic_tree8);
  Random random(3);
  const Floats values = random_values(5 * 256 + 77, [&] { return random.normal(); });
  const Floats whole = decode(*codec, encode(*codec, values, {0, {1, 2, 3, 4, 5, 0}}), values.size());
  for (const std::size_t blocks : {1, 2, 3}) {
    Floats pieces;
    for (std::size_t first = 0; first < values.size(); first += blocks * 256) {
      const std::size_t count = std::min(blocks * 256, values.size() - first);
      const Segment segment =
          encode(*codec, std::span(values).subspan(first, count), {0, {1, 2, 3, 4, 5, first}});
      const Floats piece = decode(*codec, segment, count);
      pieces.insert(pieces.end(), piece.begin(), piece.end());
    }
    CHECK(pieces == whole);
  }
}

TEST_CASE("stochastic rounding leaves levels, zeros and what is no number as they are") {
  for (const Format format : formats_with_levels())
    for (const Scaling scaling : {Scaling::block, Scaling::tensor}) {
      const LevelTable table = make_table(levels_of(format));
      Floats values(table.level, table.level + table.count);
      for (int i = 1; i < table.count; ++i) values.push_back(-table.level[i]);
      for (const float scale : {1.0F, 0x1p-100F}) {  // exact products: no level is lost by scaling
        Floats scaled = values;
        for (float& value : scaled) value *= scale;
        for (std::size_t first = 0; first < scaled.size(); first += 128) {  // a 1 in each block
          Floats part(scaled.begin() + static_cast<std::ptrdiff_t>(first),
                      scaled.begin() + static_cast<std::ptrdiff_t>(std::min(first + 128, scaled.size())));
          part.push_back(scale);
          CAPTURE(to_string(format), scale);
          CHECK(round_trip(*stochastic(format, scaling), part) == part);
        }
      }
      Floats odd{1, kNaN, 0.5F};
      for (const float value : round_trip(*stochastic(format, scaling), odd)) CHECK(std::isnan(value));
      CHECK(round_trip(*stochastic(format, scaling), Floats(3, 0.0F)) == Floats(3, 0.0F));
    }
}
