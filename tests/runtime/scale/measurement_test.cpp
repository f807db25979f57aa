#include "runtime/scale/measurement.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <map>
#include <string>

using namespace eightfold;
using namespace eightfold::runtime::scale;

namespace {

Measurement measured() {
  Measurement measurement;
  measurement.point = {4, 2, "dynamic-tree8", "two_shot", BatchPolicy::strong, 1024};
  measurement.repeat = 3;
  measurement.date = "2026-11-21T09-30-05Z";
  measurement.figures = StepFigures{12.5, 9.25, 3.125, 11.0, 1.5, 81920.1};
  measurement.environment = R"({"hosts":"a,b","ranks":8})";
  measurement.experiment = "a job";
  return measurement;
}

Measurement failed() {
  Measurement measurement = measured();
  measurement.figures.reset();
  measurement.failure = "exit code 2: \"quoted\" \n and more";
  measurement.environment = "{}";
  return measurement;
}

std::string replaced(std::string text, const std::string& before, const std::string& after) {
  return text.replace(text.find(before), before.size(), after);
}

// What is wrong with a file, or "".
std::string message(const std::filesystem::path& file) {
  try {
    read_measurements(file);
    return {};
  } catch (const base::DataError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a measurement is one line, and the same when it is read") {
  const test::Scratch scratch;
  const std::string line = measurement_line(measured());
  CHECK(line.find('\n') == std::string::npos);
  CHECK(line.starts_with(kMeasurementStart));
  const auto file = scratch.file("results.jsonl", line + "\n" + measurement_line(failed()) + "\n");
  // The same repeat of the same point: the failure holds.
  REQUIRE(read_measurements(file).size() == 1);
  CHECK(read_measurements(file)[0].failure == failed().failure);
  CHECK_FALSE(read_measurements(file)[0].figures);

  const Measurement read = read_measurements(scratch.file("one.jsonl", line + "\n")).at(0);
  CHECK(read.point == measured().point);
  CHECK(read.repeat == 3);
  CHECK(read.date == measured().date);
  CHECK(read.environment == measured().environment);
  CHECK(read.experiment == "a job");
  CHECK(read.failure.empty());
  REQUIRE(read.figures);
  CHECK(read.figures->step_ms == 12.5);
  CHECK(read.figures->compute_ms == 9.25);
  CHECK(read.figures->exposed_ms == 3.125);
  CHECK(read.figures->bound_ms == 11.0);
  CHECK(read.figures->codec_ms == 1.5);
  CHECK(read.figures->samples_per_s == 81920.1);
}

TEST_CASE("words of other programs may be no UTF-8") {
  Measurement measurement = failed();
  measurement.failure = "exit code 1: \xFF\xFE";
  const test::Scratch scratch;
  const auto file = scratch.file("results.jsonl", measurement_line(measurement) + "\n");
  CHECK(read_measurements(file).at(0).failure.starts_with("exit code 1: "));
}

TEST_CASE("a last line without an end is left out, wherever it was torn") {
  const test::Scratch scratch;
  const std::string line = measurement_line(measured());
  for (const std::size_t length : {std::size_t{1}, line.size() / 2, line.size()}) {
    const auto file = scratch.file("results.jsonl", line + "\n" + line.substr(0, length));
    CHECK(read_measurements(file).size() == 1);
  }
  CHECK(read_measurements(scratch.file("empty.jsonl", "")).empty());
}

TEST_CASE("the later line of a repeat holds, other repeats and points are others") {
  const test::Scratch scratch;
  Measurement other_repeat = measured(), other_point = measured(), other_experiment = measured();
  other_repeat.repeat = 4;
  other_point.point.policy = BatchPolicy::weak;
  other_experiment.experiment = "another job";
  std::string text;
  for (const Measurement& each : {failed(), other_repeat, other_point, other_experiment, measured()})
    text += measurement_line(each) + "\n";
  const std::vector<Measurement> read = read_measurements(scratch.file("results.jsonl", text));
  REQUIRE(read.size() == 4);
  CHECK(read[0].figures);
  CHECK(read[0].failure.empty());
}

TEST_CASE("lines that an earlier program has written are read") {
  const test::Scratch scratch;
  const std::string line =
      R"({"experiment":"mlp steps=5 warmup=2 netcluster:fold 6b69eef4b9dd23db","nodes":2,"ranks_per_node":1,)"
      R"("codec":"fp32","algorithm":"two_shot","batch":"weak","global_batch":256,"repeat":0,)"
      R"("date":"2026-12-01T04-39-21Z","step_ms":339.3,"compute_ms":324.0,"exposed_ms":15.3,"bound_ms":324.0,)"
      R"("codec_ms":0.0,"samples_per_s":377.2,"environment":{"build":"eightfold  0.1.0\n","nodes":2,"ranks":2}})";
  const std::vector<Measurement> read = read_measurements(scratch.file("results.jsonl", line + "\n"));
  REQUIRE(read.size() == 1);
  CHECK(read[0].point == Point{2, 1, "fp32", "two_shot", BatchPolicy::weak, 256});
  CHECK(read[0].figures->step_ms == 339.3);
}

TEST_CASE("what one rank took under every codec, as earlier files have it, is one point's repeats") {
  const test::Scratch scratch;
  std::string text;
  const auto add = [&](const Point& point, int repeat, double step_ms) {
    Measurement each = measured();
    each.point = point;
    each.repeat = repeat;
    each.figures->step_ms = step_ms;
    text += measurement_line(each) + "\n";
  };
  const auto lone = [](const std::string& codec) {
    return Point{1, 1, codec, codec == "none" ? "none" : "two_shot", BatchPolicy::weak, 128};
  };
  const Point two{2, 1, "fp32", "two_shot", BatchPolicy::weak, 256};
  add(lone("fp32"), 0, 10);
  add(lone("bf16"), 0, 11);
  add(two, 0, 40);
  add(lone("fp32"), 1, 99);
  add(lone("fp32"), 1, 12);  // tried again
  add(lone("none"), 1, 13);  // by the program of today
  const std::vector<Measurement> read = read_measurements(scratch.file("results.jsonl", text));
  REQUIRE(read.size() == 5);
  std::map<int, double> repeats;
  for (const Measurement& each : read) {
    if (each.point == two) continue;
    CHECK(each.point == lone("none"));
    repeats[each.repeat] = each.figures->step_ms;
  }
  CHECK(repeats == std::map<int, double>{{0, 10}, {1, 13}, {2, 11}, {3, 12}});
}

TEST_CASE("a line that is wrong is named with its file and number") {
  const test::Scratch scratch;
  const std::string good = measurement_line(measured());
  const struct {
    std::string line, words;
  } rows[] = {
      {"", "not JSON"},
      {"nonsense", "not JSON"},
      {"[]", "an object is needed"},
      {replaced(good, "\"nodes\":4", "\"nodes\":0"), "nodes is 0"},
      {replaced(good, "\"nodes\":4", "\"nodes\":4.5"), "nodes is 4.5"},
      {replaced(good, "\"nodes\":4,", ""), "\"nodes\" is missing"},
      {replaced(good, "\"nodes\":4", "\"nodes\":4,\"nodes\":5"), "stands twice"},
      {replaced(good, "\"strong\"", "\"mighty\""), "allowed: strong, weak"},
      {replaced(good, "\"repeat\":3", "\"repeat\":-1"), "repeat is -1"},
      {replaced(good, "\"step_ms\":12.5", "\"step_ms\":null"), "step_ms is null"},
      {replaced(good, "\"step_ms\":12.5", "\"step_ms\":-1"), "step_ms is -1"},
      {replaced(good, "\"step_ms\":12.5", "\"step_m\":1"), "\"step_m\" means nothing"},
      {replaced(good, "\"codec_ms\":1.5,", ""), "\"codec_ms\" is missing"},
      {replaced(good, "\"step_ms\":12.5", "\"failure\":\"no\""), "means nothing"},
      {replaced(measurement_line(failed()), "exit code 2: \\\"quoted\\\" \\n and more", ""),
       "failure is empty"},
      {replaced(good, "{\"hosts\":\"a,b\",\"ranks\":8}", "7"), "environment is 7"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.line);
    const auto file = scratch.file("results.jsonl", good + "\n" + row.line + "\n");
    const std::string said = message(file);
    CHECK(said.starts_with(file.string() + ":2: "));
    CHECK(said.find(row.words) != std::string::npos);
  }
  CHECK_THROWS_AS(read_measurements(scratch / "none.jsonl"), base::EnvironmentError);
}

TEST_CASE("the result of a bench step is its one row and its environment") {
  const test::Scratch scratch;
  const std::string row =
      R"({"step_ms":2,"compute_ms":1,"exposed_ms":0.5,"bound_ms":1,"codec_ms":0.25,"gflops":9,)"
      R"("samples_per_s":64})";
  const auto file = [&](const std::string& rows) {
    return scratch.file("step.json", R"({"environment":{"ranks":2,"nodes":1},"rows":[)" + rows + "]}");
  };
  const StepResult result = read_step_result(file(row));
  CHECK(result.figures.codec_ms == 0.25);
  CHECK(result.ranks == 2);
  CHECK(result.nodes == 1);
  CHECK(result.environment == R"({"nodes":1,"ranks":2})");
  CHECK_THROWS_AS(read_step_result(file("")), base::DataError);
  CHECK_THROWS_AS(read_step_result(file(row + "," + row)), base::DataError);
  CHECK_THROWS_AS(read_step_result(file(replaced(row, "\"step_ms\":2,", ""))), base::DataError);
  CHECK_THROWS_AS(read_step_result(scratch.file("torn.json", "{\"environment\"")), base::DataError);
}
