#include "quant8/levels.hpp"

#include "tests/quant8/support.hpp"
#include "tests/support/test.hpp"

using namespace eightfold::quant8;
using namespace eightfold::quant8::testing;

namespace {

LevelTable table_of(Format format) {
  return make_table(levels_of(format));
}

// a / b compared with the exact value of a float in [2^-60, 2): -1, 0, 1.
int compare(std::int64_t a, std::int64_t b, float value) {
  int exponent;
  const auto mantissa = static_cast<std::int64_t>(std::ldexp(std::frexp(value, &exponent), 24));
  __extension__ using Wide = __int128;
  const Wide left = static_cast<Wide>(a) << (24 - exponent), right = static_cast<Wide>(mantissa) * b;
  return left < right ? -1 : left > right ? 1 : 0;
}

float next(float value) {
  return std::nextafter(value, kInfinity);
}

}  // namespace

TEST_CASE("levels rise from exactly 0 to exactly 1") {
  for (const Format format : formats_with_levels()) {
    CAPTURE(to_string(format));
    const LevelTable table = table_of(format);
    CHECK(table.level[0] == 0);
    CHECK(table.level[table.count - 1] == 1);
    CHECK(std::is_sorted(table.level, table.level + table.count));
    CHECK(std::adjacent_find(table.level, table.level + table.count) == table.level + table.count);
    CHECK(std::all_of(table.level + table.count, table.level + kMaxLevels,
                      [](float level) { return std::isnan(level); }));
  }
}

TEST_CASE("formats have as many levels as their bits can name") {
  CHECK(table_of(Format::dynamic_tree8).count == 128);
  CHECK(table_of(Format::linear8).count == 128);
  CHECK(table_of(Format::static_tree8).count == 128);
  CHECK(table_of(Format::mantissa8).count == 1 + 8 * 15 - 7);  // 1.0 of a decade is 10 of the one below
  CHECK(table_of(Format::fp8_e4m3).count == 127);
  CHECK(table_of(Format::fp8_e5m2).count == 124);
  CHECK(table_of(Format::linear4).count == 8);
}

TEST_CASE("the dynamic tree has the levels that the 2016 paper prints and clusterNet ships") {
  const LevelTable table = table_of(Format::dynamic_tree8);
  CHECK(table.level[1] == 2.75e-6F);
  CHECK(table.level[2] == 7.25e-6F);
  CHECK(table.level[3] == 1.875e-5F);
  CHECK(table.level[126] == 0.99140625F);
  CHECK(table.threshold[126] == 0.995703125F);  // clusterNet writes 0.995703
  CHECK(table.level[nearest_level(table, 0.2345678F)] == Approx(0.236719).margin(5e-7));
  CHECK(table.level[nearest_level(table, 0.0000234F)] == Approx(0.000019).epsilon(0.02));
}

TEST_CASE("the dynamic tree halves the levels of each decade at 4.5") {
  const LevelTable table = table_of(Format::dynamic_tree8);
  int level = 1;
  for (int e = 6; e >= 1; --e) {
    const double decade = std::pow(10.0, -e);
    const int half = 1 << (6 - e);
    for (int i = 0; i < half; ++i, ++level)
      CHECK(static_cast<double>(table.level[level]) == Approx(decade * (1 + 3.5 * (i + 0.5) / half)));
    for (int i = 0; i < half; ++i, ++level)
      CHECK(static_cast<double>(table.level[level]) == Approx(decade * (4.5 + 5.5 * (i + 0.5) / half)));
  }
  CHECK(level == 127);
}

TEST_CASE("static-tree8 and mantissa8 have the levels of their rules") {
  const LevelTable tree = table_of(Format::static_tree8), mantissa = table_of(Format::mantissa8);
  CHECK(tree.level[1] == static_cast<float>((0.1 + 0.9 * 1.5 / 16) * 1e-7));
  CHECK(tree.level[16] == static_cast<float>((0.1 + 0.9 * 0.5 / 16) * 1e-6));
  CHECK(tree.level[126] == static_cast<float>(0.1 + 0.9 * 14.5 / 16));
  CHECK(mantissa.level[1] == static_cast<float>(1e-7 / 15));
  CHECK(mantissa.level[112] == static_cast<float>(14.0 / 15));
  CHECK(mantissa.level[nearest_level(mantissa, 0.2F)] == 0.2F);
}

TEST_CASE("level i of an 8-bit float is the one with the bits i") {
  const LevelTable e4m3 = table_of(Format::fp8_e4m3), e5m2 = table_of(Format::fp8_e5m2);
  CHECK(e4m3.level[1] == static_cast<float>(std::ldexp(1, -9) / 448));
  CHECK(e4m3.level[0x38] == 1.0F / 448);  // 1.0
  CHECK(e4m3.level[0x3C] == 1.5F / 448);  // 1.5
  CHECK(e4m3.level[0x7D] == 416.0F / 448);
  CHECK(e5m2.level[1] == static_cast<float>(std::ldexp(1, -16) / 57344));
  CHECK(e5m2.level[0x3C] == 1.0F / 57344);  // 1.0
  CHECK(e5m2.level[0x7A] == 49152.0F / 57344);
}

TEST_CASE("levels and thresholds are rounded once from exact fractions, ties to the even level") {
  for (const Format format : formats_with_levels()) {
    const Fractions exact = levels_of(format);
    const LevelTable table = make_table(exact);
    int wrong = 0;
    for (int i = 0; i + 1 < table.count; ++i) {
      const std::int64_t sum = exact.numerator[i] + exact.numerator[i + 1], two = 2 * exact.denominator;
      const float threshold = table.threshold[i];
      wrong +=
          compare(sum, two, threshold) < (i % 2 == 0 ? 0 : 1);  // the middle is above, or a tie that stays
      wrong += compare(sum, two, next(threshold)) > (i % 2 == 0 ? -1 : 0);
      if (i == 0) continue;
      const float level = table.level[i];
      const double off = std::abs(static_cast<double>(level) - static_cast<double>(exact.numerator[i]) /
                                                                   static_cast<double>(exact.denominator));
      wrong += off > (static_cast<double>(next(level)) - static_cast<double>(level)) * 0.5000001;
    }
    CAPTURE(to_string(format));
    CHECK(wrong == 0);
  }
}

TEST_CASE("the dynamic tree has ties that fp32 can express") {
  const LevelTable table = table_of(Format::dynamic_tree8);
  const float middle = 0.1328125F;  // 0.1 + 3 cells of 0.0109375
  const int below = 63 + 2;         // the decade's third level
  CHECK(table.level[below] < middle);
  CHECK(table.level[below + 1] > middle);
  CHECK(nearest_level(table, middle) == below + 1);  // 66, the even one
  CHECK(nearest_level(table, std::nextafter(middle, 0.0F)) == below);
}

TEST_CASE("a search finds the number of thresholds below") {
  for (const Format format : formats_with_levels()) {
    const LevelTable table = table_of(format);
    int wrong = 0;
    for (int i = 0; i + 1 < table.count; ++i) {
      wrong += nearest_level(table, table.threshold[i]) != i;
      wrong += nearest_level(table, next(table.threshold[i])) != i + 1;
    }
    CAPTURE(to_string(format));
    CHECK(wrong == 0);
    CHECK(nearest_level(table, 0) == 0);
    CHECK(nearest_level(table, 1) == table.count - 1);
    CHECK(nearest_level(table, kInfinity) == table.count - 1);
    CHECK(nearest_level(table, kNaN) == 0);
  }
}

TEST_CASE("stochastic rounding takes the upper level as often as the value is near to it") {
  const LevelTable table = table_of(Format::linear8);
  const float y = 0.75F * table.level[10] + 0.25F * table.level[11];
  CHECK(stochastic_level(table, y, 0) == 11);
  CHECK(stochastic_level(table, y, 0x3FFF'0000) == 11);
  CHECK(stochastic_level(table, y, 0x4001'0000) == 10);
  CHECK(stochastic_level(table, y, 0xFFFF'FFFF) == 10);
  for (const Format format : formats_with_levels()) {
    const LevelTable any = table_of(format);
    int wrong = 0;
    for (int i = 0; i < any.count; ++i)  // a level is itself, whatever the random number
      for (const std::uint32_t word : {0U, 0x8000'0000U, 0xFFFF'FFFFU})
        wrong += stochastic_level(any, any.level[i], word) != i;
    CAPTURE(to_string(format));
    CHECK(wrong == 0);
  }
}
