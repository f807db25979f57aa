#include "quant8/cuda/level_tables.hpp"

#include "tests/quant8/support.hpp"
#include "tests/support/test.hpp"

using namespace eightfold::quant8;
using namespace eightfold::quant8::testing;

TEST_CASE("one lookup and one addition find the level of every magnitude") {
  Random random(1);
  for (const Format format : formats_with_levels()) {
    const LevelTable levels = make_table(levels_of(format));
    const cuda::LevelTables tables = cuda::make_level_tables(format);
    Floats magnitudes{0, std::numeric_limits<float>::denorm_min(), 0x1p-34F, 1, 1.0039F};
    for (int i = 0; i + 1 < levels.count; ++i)
      for (const float y : {levels.threshold[i], levels.level[i]})
        for (const float towards : {0.0F, y, 1.0F}) magnitudes.push_back(std::nextafter(y, towards));
    for (int i = 0; i < 100'000; ++i) magnitudes.push_back(std::abs(random.spread(40)));
    std::size_t wrong = 0;
    for (const float y : magnitudes)
      wrong += static_cast<int>(cuda::search_level(tables.step, y) >> 24) != nearest_level(levels, y);
    CAPTURE(to_string(format));
    CHECK(wrong == 0);
  }
}

TEST_CASE("no two thresholds of a format share a bucket of the search") {
  for (const Format format : formats_with_levels()) {
    const LevelTable levels = make_table(levels_of(format));
    const auto bucket = [&](int i) {
      return std::bit_cast<std::uint32_t>(levels.threshold[i]) >> cuda::LevelTables::kShift;
    };
    CAPTURE(to_string(format));
    CHECK(bucket(0) >= cuda::LevelTables::kFirst);
    for (int i = 0; i + 1 < levels.count; ++i) CHECK(bucket(i) != bucket(i + 1));
  }
}

TEST_CASE("a NaN has the level 0, so that no lookup leaves the table") {
  const cuda::LevelTables tables = cuda::make_level_tables(Format::dynamic_tree8);
  CHECK(cuda::search_level(tables.step, kNaN) >> 24 == 0);
  CHECK(cuda::search_level(tables.step, -kNaN) >> 24 == 0);
}
