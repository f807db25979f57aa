#include "runtime/health/stragglers.hpp"

#include "tests/support/test.hpp"

#include <algorithm>
#include <random>
#include <utility>

using namespace eightfold::runtime::health;

namespace {

using Lines = std::vector<std::string>;
using Reports = std::vector<RankReport>;

// Steps of some 20 ms each: one comparison is a period.
Reports paces(const std::vector<double>& busy_ms) {
  Reports reports;
  for (const double each : busy_ms) reports.push_back({each, 0, {}});
  return reports;
}

std::vector<std::string> letters(std::size_t ranks) {
  std::vector<std::string> names;
  for (std::size_t rank = 0; rank < ranks; ++rank) names.emplace_back(1, static_cast<char>('a' + rank));
  return names;
}

// Steps until one of the ranks is named; rank `slow` needs `factor` times as long from step `begin` on.
std::int64_t steps_until_named(std::size_t ranks, std::size_t slow, double factor, std::int64_t begin) {
  Stragglers stragglers(letters(ranks));
  for (std::int64_t done = kPaceSteps;; done += kPaceSteps) {
    std::vector<double> busy_ms(ranks, 20);
    const auto late = static_cast<double>(std::clamp<std::int64_t>(done - begin, 0, kPaceSteps));
    busy_ms[slow] *= 1 + (factor - 1) * late / static_cast<double>(kPaceSteps);
    const Lines lines = stragglers.look_at(paces(busy_ms));
    if (lines.empty()) continue;
    CHECK(lines.size() == 1);
    CHECK(lines[0].starts_with(letters(ranks)[slow] + " is a straggler: "));
    return done - begin;
  }
}

}  // namespace

TEST_CASE("the score of a rank is the median of the others over its own") {
  const Reports reports = paces({10, 20, 40, 30});
  CHECK(pace_score(reports, 0) == 3.0);  // of 20, 30, 40
  CHECK(pace_score(reports, 2) == 0.5);  // of 10, 20, 30
  const Reports two = paces({10, 40});
  CHECK(pace_score(two, 0) == 4.0);
  CHECK(pace_score(two, 1) == 0.25);
  CHECK(pace_score(paces({100}), 0) == 1.0);
  CHECK(pace_score(paces({0, 10}), 0) == 1.0);
}

TEST_CASE("a rank that becomes a quarter slower at any step is named within fifty steps") {
  for (const std::size_t ranks : {2, 3, 4, 8})
    for (std::size_t slow = 0; slow < ranks; ++slow)
      for (std::int64_t begin = 100; begin < 100 + kPaceSteps; ++begin)
        CHECK(steps_until_named(ranks, slow, 1.25, begin) <= 50);
}

TEST_CASE("a straggler is named once, after two periods in a row, until it keeps up for as long") {
  Stragglers stragglers({"a", "b", "c"});
  const Reports even = paces({20, 21, 22}), late = paces({20, 40, 21});
  CHECK(stragglers.look_at(even).empty());
  CHECK(stragglers.look_at(late).empty());
  CHECK(stragglers.look_at(even).empty());  // one slow period is noise
  CHECK(stragglers.look_at(late).empty());
  CHECK(stragglers.look_at(late) == Lines{"b is a straggler: 40.00 ms of its own in a step, 0.50 of the "
                                          "others' pace; it computes longer"});
  CHECK(stragglers.look_at(late).empty());
  CHECK(stragglers.look_at(even).empty());
  CHECK(stragglers.look_at(late).empty());  // so is one quick period
  CHECK(stragglers.look_at(even).empty());
  CHECK(stragglers.look_at(even) == Lines{"b is no longer a straggler"});
  CHECK(stragglers.look_at(even).empty());
}

TEST_CASE("a straggler's line says why it is one") {
  GpuHealth hot;
  hot.throttle_reasons = 0x40;
  const auto line = [](const RankReport& slow) {
    Stragglers stragglers({"a", "b", "c"});
    const Reports reports{{20, 1, {}}, slow, {20, 1, {}}};
    stragglers.look_at(reports);
    return stragglers.look_at(reports).at(0);
  };
  CHECK(line({40, 1, {}}).ends_with("; it computes longer"));
  CHECK(line({40, 15, {}}).ends_with("; it waits for data, 15.00 ms"));
  CHECK(line({40, 15, hot}).ends_with("; its GPU is throttled: too hot (hardware)"));
}

TEST_CASE("short steps are judged by the quarter second") {
  Stragglers stragglers({"a", "b"});
  const Reports late = paces({1, 2});  // 32 ms of the slower rank
  int reports = 0;
  while (stragglers.look_at(late).empty()) ++reports;
  CHECK(reports == 15);  // the sixteenth ends the second period of eight
}

TEST_CASE("ranks whose steps vary by some percent are not named in ten thousand steps") {
  std::mt19937 random(3);
  std::lognormal_distribution<double> factor(0, 0.03);
  for (const std::size_t ranks : {2, 3, 4, 8}) {
    Stragglers stragglers(letters(ranks));
    for (std::int64_t step = 0; step < 10'000; step += kPaceSteps) {
      std::vector<double> busy_ms(ranks);
      for (double& each : busy_ms) each = 20 * factor(random);
      CHECK(stragglers.look_at(paces(busy_ms)).empty());
    }
  }
}

TEST_CASE("a rank alone is never a straggler, and reports of nobody are nothing") {
  Stragglers alone({"a"});
  for (int i = 0; i < 5; ++i) CHECK(alone.look_at(paces({100})).empty());
  CHECK(alone.look_at({}).empty());
}

TEST_CASE("a rank that is a straggler on and off is told of in a few lines, with a count") {
  Stragglers stragglers({"a", "b", "c"});
  const Reports even = paces({20, 21, 22}), late = paces({20, 40, 21});
  Lines lines;
  for (int spell = 0; spell < 1000; ++spell)
    for (const Reports& reports : {late, late, even, even})
      for (std::string& line : stragglers.look_at(reports)) lines.push_back(std::move(line));
  for (std::string& line : stragglers.finish()) lines.push_back(std::move(line));
  REQUIRE(lines.size() > 2);
  CHECK(lines.size() < 12);
  CHECK(lines[0].starts_with("b is a straggler: "));
  CHECK(lines[1] == "b is no longer a straggler");
  int told = 1;
  for (std::size_t i = 2; i < lines.size(); ++i) {
    CAPTURE(lines[i]);
    const std::string begin = "b was a straggler ";
    REQUIRE(lines[i].starts_with(begin));
    CHECK(lines[i].find(" since the last line about it, and is ") != std::string::npos);
    told += std::stoi(lines[i].substr(begin.size()));
  }
  CHECK(told == 1000);
  CHECK(stragglers.finish().empty());
}
