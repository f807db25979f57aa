// What measured repeats come to: summary, crossover, advice, table. Measurements are made here, with closed
// forms for all that is expected of them.
#include "runtime/scale/report/advice.hpp"
#include "runtime/scale/report/crossover.hpp"
#include "runtime/scale/report/csv.hpp"
#include "runtime/scale/report/notes.hpp"
#include "runtime/scale/report/words.hpp"
#include "tests/runtime/scale/made_measurements.hpp"
#include "tests/support/test.hpp"

using namespace eightfold::runtime::scale;
using namespace eightfold::runtime::scale::report;
using namespace eightfold::test;

namespace {

PointGroup group_of(const std::vector<Measurement>& measurements) {
  const Summary summary = summarize({{"net", measurements, {}, {}}});
  REQUIRE(summary.groups.size() == 1);
  return summary.groups.front();
}

std::string advice_of(const std::vector<Measurement>& measurements) {
  const Summary summary = summarize({{"net", measurements, {}, {}}});
  REQUIRE(summary.groups.size() == 1);
  return advice(summary.groups.front(), summary);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Two codecs on 2, 4, ... nodes: the steps of bf16, then those of dynamic-tree8.
std::vector<Measurement> two_codecs(const std::vector<std::vector<double>>& bf16,
                                    const std::vector<std::vector<double>>& coded) {
  std::vector<Measurement> all;
  for (std::size_t i = 0; i < bf16.size(); ++i) {
    add(all, point(2 << i, "bf16"), bf16[i]);
    add(all, point(2 << i, "dynamic-tree8"), coded[i]);
  }
  return all;
}

}  // namespace

TEST_CASE("a point is the median of its repeats, between their least and most") {
  std::vector<Measurement> all;
  add(all, point(2, "fp32"), {30, 10, 20});
  add(all, point(2, "bf16"), {40, 10, 20, 30});
  add(all, point(2, "linear8"), {7});
  const PointGroup group = group_of(all);
  REQUIRE(group.points.size() == 3);
  CHECK(group.points[0].step_ms->median == 20);
  CHECK(group.points[0].step_ms->least == 10);
  CHECK(group.points[0].step_ms->most == 30);
  CHECK(group.points[1].step_ms->median == 25);
  CHECK(group.points[2].step_ms->least == 7);
  CHECK(group.points[2].step_ms->most == 7);
  CHECK(group.points[2].repeats == 1);
  CHECK(group.least_repeats() == 1);
  CHECK(group.most_repeats() == 4);
}

TEST_CASE("a repeat that was tried again counts once, as it ended last") {
  std::vector<Measurement> all;
  add_failure(all, point(2, "fp32"), "lost a peer");
  add(all, point(2, "fp32"), {30});
  const PointGroup group = group_of(all);
  CHECK(group.points[0].repeats == 1);
  CHECK(group.points[0].failures.empty());
}

TEST_CASE("weak scaling multiplies the work, strong scaling divides it") {
  std::vector<Measurement> weak, strong;
  add(weak, point(1, "none"), {10});
  add(weak, point(4, "bf16"), {16});
  add(strong, point(1, "none", BatchPolicy::strong), {40});
  add(strong, point(4, "bf16", BatchPolicy::strong), {16});
  for (const auto& all : {weak, strong}) {
    const PointGroup group = group_of(all);
    REQUIRE(group.baseline);
    CHECK(group.baseline->point.codec == "none");
    CHECK(group.points[0].speedup->median == 1);
    CHECK(group.points[1].speedup->median == Approx(2.5));
    CHECK(group.points[1].efficiency == Approx(0.625));
  }
  weak.insert(weak.end(), strong.begin(), strong.end());
  CHECK(summarize({{"net", weak, {}, {}}}).groups.size() == 2);
}

TEST_CASE("speed-ups range from the slowest repeat to the fastest") {
  std::vector<Measurement> all;
  add(all, point(1, "none"), {10});
  add(all, point(2, "bf16"), {20, 16, 10});
  const Spread speedup = group_of(all).points[1].speedup.value();
  CHECK(speedup.least == 1);
  CHECK(speedup.median == Approx(1.25));
  CHECK(speedup.most == 2);
}

TEST_CASE("the baseline is on one node, of the fewest ranks, without an exchange before the fastest") {
  std::vector<Measurement> all;
  add(all, point(2, "none"), {1});
  CHECK_FALSE(group_of(all).baseline);
  CHECK_FALSE(group_of(all).points[0].speedup);
  add(all, point(1, "fp32"), {12});
  add(all, point(1, "bf16"), {11});
  CHECK(group_of(all).baseline->point.codec == "bf16");
  add(all, point(1, "none"), {13});
  CHECK(group_of(all).baseline->point.codec == "none");

  Point eight = point(2, "fp32");
  eight.ranks_per_node = 8;
  eight.global_batch = 16 * kBatch;
  std::vector<Measurement> several = all;
  add(several, eight, {26});
  const Summary summary = summarize({{"net", several, {}, {}}});
  REQUIRE(summary.groups.size() == 2);
  CHECK(summary.groups[1].baseline->step_ms == 13);
  CHECK(summary.groups[1].points[0].speedup->median == Approx(8));
  CHECK(summary.groups[1].points[0].efficiency == Approx(0.5));
}

TEST_CASE("a step is split into parts that sum to it, and hidden codec work is in none but compute") {
  const auto parts = [](double step, double compute, double codec) {
    const StepBreakdown breakdown = breakdown_of(step, compute, codec);
    CHECK(breakdown.compute + breakdown.communication + breakdown.codec == Approx(step));
    return std::vector<double>{breakdown.compute, breakdown.communication, breakdown.codec};
  };
  CHECK(parts(10, 6, 1) == std::vector<double>{6, 3, 1});
  CHECK(parts(10, 6, 9) == std::vector<double>{6, 0, 4});    // 5 of the codec's 9 are hidden
  CHECK(parts(10, 10, 3) == std::vector<double>{10, 0, 0});  // all of it is
  CHECK(parts(10, 11, 3) == std::vector<double>{10, 0, 0});  // medians of different repeats
}

TEST_CASE("what only failed is there, without figures") {
  std::vector<Measurement> all;
  add_failure(all, point(2, "fp32"), "no route");
  const PointGroup group = group_of(all);
  CHECK_FALSE(group.points[0].step_ms);
  CHECK(group.points[0].failures == std::vector<std::string>{"no route"});
  CHECK(group.least_repeats() == 0);
  CHECK_FALSE(group.baseline);
  CHECK(contains(advice_of(all), "No advice"));
  CHECK(contains(csv(summarize({{"net", all, {}, {}}})), ",no route\r\n"));
}

TEST_CASE("compression that is always faster never stops paying within what was measured") {
  const auto found = crossovers(group_of(two_codecs({{30, 31}, {60, 61}}, {{20, 21}, {30, 31}})));
  REQUIRE(found.size() == 1);
  CHECK(found[0].pays == std::vector<int>{2, 4});
  CHECK(contains(found[0].words, "within what was measured, compression never stops paying"));
  CHECK(contains(found[0].words, "1.49 times as fast with 2 nodes, 1.98 times with 4"));
}

TEST_CASE("compression stops paying where the ranges of the repeats touch") {
  const auto found = crossovers(group_of(two_codecs({{30, 31}, {60, 70}}, {{20, 21}, {50, 60}})));
  CHECK(found[0].does_not_pay == std::vector<int>{4});
  CHECK(
      contains(found[0].words, "1.18 times with 4 (within the spread); compression stops paying at 4 nodes"));
}

TEST_CASE("compression may pay late, never, or now and then") {
  const std::vector<double> fast = {10, 11}, slow = {20, 21};
  const auto words = [](const auto& bf16, const auto& coded) {
    return crossovers(group_of(two_codecs(bf16, coded)))[0].words;
  };
  CHECK(contains(words(std::vector{fast, slow}, std::vector{slow, fast}), "pays from 4 nodes on"));
  CHECK(contains(words(std::vector{fast, fast}, std::vector{slow, fast}), "bf16 does as well wherever"));
  CHECK(contains(words(std::vector{slow, fast, slow}, std::vector{fast, slow, fast}),
                 "pays with 2 and 8 nodes and does not with 4"));
}

TEST_CASE("without bf16 a crossover cannot be told, and neither from one rank") {
  std::vector<Measurement> all;
  add(all, point(1, "bf16"), {10});
  add(all, point(1, "dynamic-tree8"), {5});
  add(all, point(2, "dynamic-tree8"), {10});
  const auto found = crossovers(group_of(all));
  CHECK(found[0].pays.empty());
  CHECK(contains(found[0].words, "cannot be told"));
}

TEST_CASE("the advice names the codec and what it gains") {
  std::vector<Measurement> all = two_codecs({{30, 31}, {30, 31}}, {{20, 20}, {20, 20}});
  add(all, point(1, "none"), {10, 10});
  add(all, point(4, "fp32"), {50, 50});
  CHECK(
      advice_of(all) ==
      "With 4 nodes on this network use dynamic-tree8: 2.50 times as fast as fp32 and 1.52 times as fast as "
      "bf16; 4 nodes do 2.00 times the work of one rank and 2.00 times that of 2 nodes; more were not "
      "measured.");
}

TEST_CASE("the advice takes the most precise codec that is as fast as the fastest") {
  std::vector<Measurement> all = two_codecs({{10, 12}}, {{9, 11}});
  add(all, point(2, "fp32"), {20, 22});
  CHECK(contains(advice_of(all), "use bf16: 1.91 times as fast as fp32; dynamic-tree8 is no faster beyond"));
  CHECK(contains(advice_of(two_codecs({{10, 12}}, {{13, 14}})), "use bf16; dynamic-tree8 is slower"));
}

TEST_CASE("the advice takes fewer nodes where more do no more, and one rank where none do") {
  const std::vector<double> two = {10, 11}, four = {20, 22}, eight = {60, 61};
  const std::string fewer = advice_of(two_codecs({two, four}, {two, four}));
  CHECK(contains(fewer, "With 2 nodes on this network use bf16"));
  CHECK(contains(fewer, "4 nodes do no more beyond the spread."));
  CHECK(contains(advice_of(two_codecs({two, eight}, {two, eight})), "4 nodes do less."));

  std::vector<Measurement> all = two_codecs({{30, 31}}, {{21, 22}});
  add(all, point(1, "none"), {10, 10});
  add(all, point(2, "none"), {12.5, 12.5});
  CHECK(
      advice_of(all) ==
      "Stay with one rank on this network: 2 nodes with dynamic-tree8 (1.42 times as fast as bf16) do 0.930 "
      "times its work; without an exchange, 1.60 times.");
}

TEST_CASE("one rank is as good where more do no more beyond the spread") {
  std::vector<Measurement> all = two_codecs({{30, 31}}, {{18, 21}});
  add(all, point(1, "none"), {10, 10});
  CHECK(contains(advice_of(all), "do 1.03 times its work, no more beyond the spread."));
}

TEST_CASE("the advice says when something was measured only once") {
  CHECK(contains(advice_of(two_codecs({{30}}, {{20}})), "some of this was measured only once."));
}

TEST_CASE("predictions stand beside measurements, and reach further with their error said") {
  std::vector<Measurement> all = two_codecs({{30, 30}}, {{20, 20}});
  const auto predict = [](const Point& asked) -> std::optional<Prediction> {
    if (asked.codec == "bf16") return {};
    return Prediction{.algorithm = "ring", .step_s = 0.021};
  };
  const Summary summary = summarize({{"net", all, predict, {2, 8}}});
  const auto& points = summary.groups[0].points;
  REQUIRE(points.size() == 3);
  CHECK_FALSE(points[0].prediction_error());
  CHECK(*points[1].prediction_error() == Approx(0.05));
  CHECK(points[2].point == point(8, "dynamic-tree8"));
  CHECK_FALSE(points[2].step_ms);
  CHECK(
      contains(advice(summary.groups[0], summary),
               "; 8 nodes are predicted to do 4.00 times as much with dynamic-tree8 (predictions are off by "
               "up to 5.0 %)."));
}

TEST_CASE("predictions that are far off are noted, and so are nodes that share cores") {
  std::vector<Measurement> all = two_codecs({{30, 30}}, {{20, 20}});
  double bf16_s = 0.030;
  const auto predict = [&](const Point& asked) -> std::optional<Prediction> {
    return Prediction{.algorithm = "ring", .step_s = asked.codec == "bf16" ? bf16_s : 0.025};
  };
  const auto notes_of = [&](const std::string& shared_cores) {
    const Summary summary = summarize({{"net", all, predict, {}, shared_cores}});
    return notes(summary.groups.at(0), summary);
  };
  CHECK(notes_of("").empty());  // 25 % is not beyond 25 %
  bf16_s = 0.0072;
  REQUIRE(notes_of("").size() == 1);
  CHECK(contains(notes_of("")[0],
                 "1 of 2 predictions is off by more than 25 %, that of 2 nodes with bf16 by -76 %"));
  bf16_s = 0.030;
  CHECK(notes_of("all nodes share 2 cores of one machine") ==
        std::vector<std::string>{"Predictions: all nodes share 2 cores of one machine."});
}

TEST_CASE("one rank's point is named for what it is, unless more ranks are idle, too") {
  std::vector<Measurement> all = two_codecs({{30}}, {{20}});
  add(all, point(1, "none"), {10});
  const Series idle{"none", ""};
  CHECK(label(idle, summarize({{"net", all, {}, {}}})) == "1 rank, no exchange");
  add(all, point(2, "none"), {11});
  CHECK(label(idle, summarize({{"net", all, {}, {}}})) == "no exchange");
}

TEST_CASE("figures have three digits that count") {
  CHECK(figure(0) == "0");
  CHECK(figure(0.05125) == "0.051");
  CHECK(figure(0.0004) == "0");
  CHECK(figure(9.996) == "10.0");
  CHECK(figure(51.24) == "51.2");
  CHECK(figure(512.4) == "512");
  CHECK(figure(51240) == "51240");
  CHECK(figure(-1.5) == "-1.50");
  CHECK(list({1, 2, 4}) == "1, 2 and 4");
}

TEST_CASE("a record of the table holds every number of its point") {
  std::vector<Measurement> all;
  add(all, point(1, "none"), {8});
  add(all, point(2, "bf16"), {32, 32});
  const std::string table = csv(summarize({{"a,\"b\"", all, {}, {}}}));
  CHECK(
      contains(table, "experiment,policy,nodes,ranks_per_node,ranks,codec,algorithm,global_batch,repeats,"));
  CHECK(contains(table, "\r\n\"a,\"\"b\"\"\",weak,2,1,2,bf16,two_shot,256,2,0,32,32,32,"));
  CHECK(contains(table, ",8000,0.5,0.5,0.5,0.25,"));
  std::size_t lines = 0;
  for (const char c : table) lines += c == '\n';
  CHECK(lines == 3);
}
