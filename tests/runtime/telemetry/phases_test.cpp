#include "runtime/telemetry/phases.hpp"

#include "comm/engine/spans.hpp"
#include "runtime/telemetry/spans.hpp"
#include "tests/support/test.hpp"

#include <random>

using namespace eightfold;
using namespace eightfold::runtime;
using namespace eightfold::runtime::telemetry;
using std::chrono::milliseconds;

namespace {

const base::TimePoint kStart = base::Clock::now();

base::Span span(std::string_view name, int from_ms, int to_ms, std::int64_t bucket = 0) {
  return {base::Track::engine, name, kStart + milliseconds(from_ms), kStart + milliseconds(to_ms), bucket};
}

double covered_ms(const std::vector<std::pair<int, int>>& spans) {
  CoveredTime covered;
  for (const auto& [from, to] : spans) covered.add(kStart + milliseconds(from), kStart + milliseconds(to));
  return 1e3 * covered.seconds();
}

}  // namespace

TEST_CASE("time that several spans cover counts once") {
  CHECK(covered_ms({}) == 0);
  CHECK(covered_ms({{3, 3}}) == 0);
  CHECK(covered_ms({{0, 4}, {6, 9}}) == Approx(7));
  CHECK(covered_ms({{0, 4}, {4, 9}}) == Approx(9));
  CHECK(covered_ms({{0, 4}, {2, 6}, {3, 9}}) == Approx(9));
  CHECK(covered_ms({{2, 4}, {5, 6}, {8, 9}, {1, 10}}) == Approx(9));  // the last one began first
  CHECK(covered_ms({{2, 4}, {6, 7}, {5, 10}}) == Approx(7));
}

TEST_CASE("covered time is what counting the milliseconds gives") {
  std::mt19937 random(5);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<std::pair<int, int>> spans;
    for (int i = 0; i < 12; ++i) {
      const int from = static_cast<int>(random() % 60);
      spans.emplace_back(from, from + static_cast<int>(random() % 15));
    }
    std::ranges::sort(spans, {}, &std::pair<int, int>::second);
    int expected = 0;
    for (int at = 0; at < 80; ++at)
      expected += std::ranges::any_of(spans, [&](auto each) { return each.first <= at && at < each.second; });
    CHECK(covered_ms(spans) == Approx(expected).margin(1e-9));
  }
}

TEST_CASE("the wire has what of the exchange the codec leaves") {
  PhaseClock clock;
  clock.add(span(comm::engine::kEncodeSpan, 1, 3));
  clock.add(span(comm::engine::kEncodeSpan, 3, 4, 1));
  clock.add(span(comm::engine::kDecodeSpan, 8, 9));
  clock.add(span(comm::engine::kExchangeSpan, 0, 9));
  clock.add(span(comm::engine::kExchangeSpan, 2, 12, 1));  // 12 ms with a bucket under way
  clock.add(span(kExposedSpan, 9, 12));
  clock.add(span(kStepSpan, 0, 13));
  const Phases phases = clock.take();
  CHECK(phases.steps == 1);
  CHECK(phases.exchange_s == Approx(0.012));
  CHECK(phases.encode_s == Approx(0.003));
  CHECK(phases.decode_s == Approx(0.001));
  CHECK(phases.wire_s() == Approx(0.008));
  CHECK(phases.hidden() == Approx(0.75));
  CHECK(phases.compute_s() == Approx(0.010));
  CHECK(clock.take().exchange_s == 0);
}

TEST_CASE("phases add up") {
  Phases sum{.steps = 1,
             .step_s = 1,
             .data_wait_s = 2,
             .exposed_s = 3,
             .exchange_s = 4,
             .encode_s = 5,
             .decode_s = 6};
  sum += sum;
  CHECK(sum.steps == 2);
  CHECK(std::vector<double>{sum.step_s, sum.data_wait_s, sum.exposed_s, sum.exchange_s, sum.encode_s,
                            sum.decode_s} == std::vector<double>{2, 4, 6, 8, 10, 12});
}
