// How much the formats lose, against figures that were derived independently of this code.
#include "quant8/codec.hpp"
#include "quant8/fidelity.hpp"
#include "tests/quant8/support.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::quant8;
using namespace eightfold::quant8::testing;

namespace {

Fidelity loss_of(const Encoding& encoding, const Floats& values) {
  return fidelity(values, round_trip(*make_codec({}, encoding), values));
}

Floats uniform_values(std::uint64_t seed, std::size_t count) {
  Random random(seed);
  return random_values(count, [&] { return random.uniform(); });
}

Floats normal_values(std::uint64_t seed, std::size_t count) {
  Random random(seed);
  return random_values(count, [&] { return random.normal(); });
}

// The paper's setting: one scale for all values. It follows the largest of them, and the errors follow it.
void check_tree_of_whole_tensors(std::uint64_t seed, std::size_t count, float largest_normal) {
  const Encoding tree{Format::dynamic_tree8, Scaling::tensor};
  const Fidelity uniform = loss_of(tree, uniform_values(seed, count));
  CAPTURE(seed);
  CHECK(uniform.mre == Approx(0.0094).margin(0.0001));
  CHECK(std::abs(uniform.bias) < 5e-4);
  Floats values = normal_values(seed, count);
  values[0] = std::max(values[0], largest_normal);
  const Fidelity normal = loss_of(tree, values);
  CHECK(normal.mre == Approx(0.0164).margin(0.0006));
  CHECK(std::abs(normal.bias) < 5e-4);
}

void check_blocks(std::uint64_t seed, std::size_t count) {
  const Floats values = normal_values(seed, count);
  CAPTURE(seed);
  CHECK(loss_of({Format::linear8}, values).nmse == Approx(4.8e-5).epsilon(0.05));
  CHECK(loss_of({Format::dynamic_tree8}, values).nmse == Approx(9.3e-5).epsilon(0.05));
}

}  // namespace

TEST_CASE("the dynamic tree with one scale loses what the corrected 2016 figures say") {
  check_tree_of_whole_tensors(1, 1 << 19, 5.2F);  // the largest of 4 million
}

TEST_CASE("blocks of 256 normal values lose what they must, linear8 half of the dynamic tree") {
  check_blocks(1, 1 << 18);
}

TEST_CASE("the figures of 4 million samples hold for five seeds", "[.nightly]") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    check_tree_of_whole_tensors(seed, 4'000'000, 0);
    check_blocks(seed, 4'000'000);
  }
}

TEST_CASE("no value is further off than half the widest step of its format") {
  Random random(2);
  const Floats values = random_values(50'000, [&] { return random.spread(12); });
  for (const Format format : formats_with_levels()) {
    const LevelTable table = make_table(levels_of(format));
    float widest = 0;
    for (int i = 0; i + 1 < table.count; ++i) widest = std::max(widest, table.level[i + 1] - table.level[i]);
    const Floats received = round_trip(*make_codec({}, {format}), values);
    std::size_t wrong = 0;
    for (std::size_t first = 0; first < values.size(); first += 256) {
      float largest = 0;
      const std::size_t last = std::min(first + 256, values.size());
      for (std::size_t i = first; i < last; ++i) largest = std::max(largest, std::abs(values[i]));
      for (std::size_t i = first; i < last; ++i)  // a scale is at most 2^-7 too large
        wrong += std::abs(values[i] - received[i]) > 0.5F * widest * 1.0079F * largest;
    }
    CAPTURE(to_string(format));
    CHECK(wrong == 0);
  }
}

TEST_CASE("one-bit sends the sign and the mean magnitude") {
  const Floats values{1, -2, 3, -6};
  CHECK(round_trip(*make_codec({}, {Format::one_bit}), values) == Floats{3, -3, 3, -3});
}

TEST_CASE("bf16 and fp16 round to nearest, fp32 loses nothing") {
  const Floats values{1.00390625F, 1.01171875F, -65504.0F, 1e-3F};
  CHECK(round_trip(*make_codec({}, {Format::bf16}), values) ==
        Floats{1, 1.015625F, -65536.0F, 0.00099945068F});
  CHECK(round_trip(*make_codec({}, {Format::fp16}), values) ==
        Floats{1.00390625F, 1.01171875F, -65504.0F, 0.0010004044F});
  CHECK(round_trip(*make_codec({}, {Format::fp32}), values) == values);
}
