// Error feedback: what an encoding loses stays in the residual and enters the next one.
#include "quant8/codec.hpp"
#include "tests/quant8/support.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::quant8;
using namespace eightfold::quant8::testing;

namespace {

constexpr std::array kScalings{Scaling::block, Scaling::tensor};

// The largest difference, relative to the largest of `expected`.
double deviation(const std::vector<double>& found, const std::vector<double>& expected) {
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    difference = std::max(difference, std::abs(found[i] - expected[i]));
    largest = std::max(largest, std::abs(expected[i]));
  }
  return difference / largest;
}

void add(std::vector<double>& sums, const Floats& values) {
  for (std::size_t i = 0; i < values.size(); ++i) sums[i] += static_cast<double>(values[i]);
}

}  // namespace

TEST_CASE("what was sent and what is left add up to what came in") {
  constexpr std::size_t kSize = 700;
  constexpr int kSteps = 40;
  for (const Format format : all_formats())
    for (const Scaling scaling : kScalings) {
      Random random(1);
      const auto codec = make_codec({}, {format, scaling});
      Floats residual(kSize);
      std::vector<double> came(kSize), went(kSize);
      for (int step = 0; step < kSteps; ++step) {
        const Floats values = random_values(kSize, [&] { return random.normal(); });
        add(came, values);
        add(went, decode(*codec, encode(*codec, values, {}, residual), kSize));
      }
      add(went, residual);
      CAPTURE(to_string(format), scaling == Scaling::tensor);
      CHECK(deviation(went, came) < 1e-6);
    }
}

TEST_CASE("with the residual the mean of what is sent is what was meant, also at 4 bits and at 1") {
  constexpr std::size_t kSize = 256;
  constexpr int kSteps = 10000;  // one-bit owes large values for long
  for (const Format format : {Format::linear4, Format::one_bit, Format::dynamic_tree8}) {
    Random random(2);
    const auto codec = make_codec({}, {format});
    const Floats values = random_values(kSize, [&] { return random.normal(); });
    Floats residual(kSize);
    std::vector<double> mean(kSize);
    for (int step = 0; step < kSteps; ++step)
      add(mean, decode(*codec, encode(*codec, values, {}, residual), kSize));
    for (double& value : mean) value /= kSteps;
    CAPTURE(to_string(format));
    CHECK(deviation(mean, {values.begin(), values.end()}) < 0.02);
  }
}

TEST_CASE("the residual is the difference of two fp32 numbers, in every implementation") {
  for (const Format format : all_formats())
    for (const Scaling scaling : kScalings)
      for (const std::size_t size : kSizes) {
        Random random(3);
        const auto reference = make_reference_codec({format, scaling});
        const Floats values = random_values(size, [&] { return random.normal(); });
        const Floats before = random_values(size, [&] { return random.normal() / 16; });
        Floats expected = before;
        const Segment segment = encode(*reference, values, {}, expected);
        const Floats received = decode(*reference, segment, size);
        for (const host::Instructions instructions : host::available_instructions()) {
          const auto codec = host::make_codec({format, scaling}, Rounding::nearest, instructions);
          Floats residual = before;
          CAPTURE(to_string(format), to_string(instructions), size);
          CHECK(encode(*codec, values, {}, residual) == segment);
          CHECK(differences(residual, expected) == 0);
        }
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < size; ++i) wrong += expected[i] != (values[i] + before[i]) - received[i];
        CHECK(wrong == 0);
      }
}

TEST_CASE("a sum of shards has a residual of its own") {
  constexpr std::size_t kSize = 600;
  Random random(4);
  const auto codec = make_codec({}, {Format::linear4});
  const Floats own = random_values(kSize, [&] { return random.normal(); });
  const Segment shard = encode(*codec, random_values(kSize, [&] { return random.normal(); }));
  const std::array<Contribution, 2> parts{shard.view(), std::span<const float>(own)};
  Floats exact(kSize), residual(kSize), later(kSize);
  codec->sum(host_stream(), {parts, kSize, 0.5F}, exact);
  Segment sum(codec->wire_bytes(kSize));
  codec->encode_sum(host_stream(), {parts, kSize, 0.5F}, residual, {}, sum);
  CHECK(sum == encode(*codec, exact, {}, later));
  CHECK(residual == later);
}

TEST_CASE("a block that is no number leaves nothing behind, its neighbours lose nothing") {
  for (const Format format : all_formats()) {
    if (!has_scales(format)) continue;
    const auto codec = make_codec({}, {format});
    Floats values(600, 0.3F), residual(600, 0.01F);
    values[300] = kInfinity;
    const Floats received = decode(*codec, encode(*codec, values, {}, residual), 600);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < 600; ++i) {
      const bool is_lost = i / 256 == 1;
      wrong += std::isnan(received[i]) != is_lost;
      wrong += residual[i] != (is_lost ? 0 : (0.3F + 0.01F) - received[i]);
    }
    CAPTURE(to_string(format));
    CHECK(wrong == 0);
  }
}
