#include "runtime/telemetry/telemetry.hpp"

#include "comm/engine/spans.hpp"
#include "kernels/base/error.hpp"
#include "runtime/telemetry/spans.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <nlohmann/json.hpp>

#include <sstream>

using namespace eightfold;
using namespace eightfold::runtime;
using namespace eightfold::runtime::telemetry;
using Json = nlohmann::json;
using std::chrono::milliseconds;

namespace {

constexpr config::RunLength kLength{.steps_per_epoch = 10, .steps = 20};

std::vector<Json> records(const std::filesystem::path& directory) {
  std::istringstream lines(test::contents_of(directory / "metrics.jsonl"));
  std::vector<Json> records;
  for (std::string line; std::getline(lines, line);) records.push_back(Json::parse(line));
  return records;
}

// Spans of one worker step of 10 ms, of which 2 ms waited for data and 3 ms for the exchange. Steps follow
// each other.
void report_step(Telemetry& telemetry, int step = 0) {
  static const base::TimePoint start = base::Clock::now();
  const base::TimePoint begin = start + milliseconds(10 * step);
  const auto span = [&](std::string_view name, int from, int to) {
    telemetry.on_span({base::Track::worker, name, begin + milliseconds(from), begin + milliseconds(to)});
  };
  span(kDataWaitSpan, 0, 2);
  span(kExposedSpan, 6, 9);
  span(kUpdateSpan, 9, 10);
  telemetry.on_span({base::Track::engine, comm::engine::kEncodeSpan, begin, begin + milliseconds(1)});
  telemetry.on_span({base::Track::engine, comm::engine::kExchangeSpan, begin, begin + milliseconds(4)});
  span(kStepSpan, 0, 10);
}

}  // namespace

TEST_CASE("a run's records tell its begin, intervals, evaluations, checkpoints and end") {
  const test::Scratch scratch;
  Telemetry telemetry({}, kLength, scratch.path(), 0);
  telemetry.begin(5);
  for (int i = 0; i < 4; ++i) report_step(telemetry, i);
  telemetry.interval(9, telemetry.take_phases(), {.loss_sum = 6, .correct = 3, .samples = 12}, 0.25, {});
  telemetry.evaluation(10, {.loss_sum = 5, .correct = 4, .samples = 5});
  telemetry.checkpoint(10, "some/where", 0.5, 0.25);
  telemetry.checkpoint_failure(15, "no space");
  telemetry.end(10);

  const std::vector<Json> all = records(scratch.path());
  REQUIRE(all.size() == 6);
  CHECK(all[0] == Json{{"kind", "begin"}, {"step", 5}, {"steps", 20}});
  CHECK(all[1]["kind"] == "train");
  CHECK(all[1]["step"] == 9);
  CHECK(all[1]["epoch"] == 0.9);
  CHECK(all[1]["loss"] == 0.5);
  CHECK(all[1]["accuracy"] == 0.25);
  CHECK(all[1]["learning_rate"] == 0.25);
  CHECK(all[1]["samples_per_s"].get<double>() == Approx(300));
  CHECK(all[1]["step_ms"].get<double>() == Approx(10));
  CHECK(all[1]["data_wait_ms"].get<double>() == Approx(2));
  CHECK(all[1]["exposed_ms"].get<double>() == Approx(3));
  CHECK(all[1]["compute_ms"].get<double>() == Approx(5));
  CHECK(all[1]["exchange_ms"].get<double>() == Approx(4));
  CHECK(all[1]["encode_ms"].get<double>() == Approx(1));
  CHECK(all[1]["wire_ms"].get<double>() == Approx(3));
  CHECK(all[1]["decode_ms"].get<double>() == 0);
  CHECK(all[2] == Json{{"kind", "evaluation"},
                       {"step", 10},
                       {"epoch", 1.0},
                       {"test_loss", 1.0},
                       {"test_accuracy", 0.8},
                       {"samples", 5}});
  CHECK(all[3] == Json{{"kind", "checkpoint"},
                       {"step", 10},
                       {"directory", "some/where"},
                       {"seconds", 0.5},
                       {"stall_seconds", 0.25}});
  CHECK(all[4] == Json{{"kind", "checkpoint_failure"}, {"step", 15}, {"reason", "no space"}});
  CHECK(all[5]["kind"] == "end");
  CHECK(all[5]["bound"] == "compute");
  CHECK(all[5]["compute_percent"].get<double>() == Approx(50));
  CHECK(all[5]["exposed_percent"].get<double>() == Approx(30));
  CHECK(all[5]["data_wait_percent"].get<double>() == Approx(20));
}

TEST_CASE("an interval counts only what came since the last one") {
  const test::Scratch scratch;
  Telemetry telemetry({}, kLength, scratch.path(), 0);
  telemetry.begin(0);
  for (const int steps : {3, 1}) {
    for (int i = 0; i < steps; ++i) report_step(telemetry);
    telemetry.interval(steps, telemetry.take_phases(), {.loss_sum = 1, .correct = 1, .samples = 10 * steps},
                       1, {});
  }
  const std::vector<Json> all = records(scratch.path());
  CHECK(all.at(1)["samples_per_s"].get<double>() == Approx(1000));
  CHECK(all.at(2)["samples_per_s"].get<double>() == Approx(1000));
}

TEST_CASE("a resumed run appends to the records of its directory") {
  const test::Scratch scratch;
  Telemetry({}, kLength, scratch.path(), 0).begin(0);
  Telemetry({}, kLength, scratch.path(), 0).begin(7);
  const std::vector<Json> all = records(scratch.path());
  REQUIRE(all.size() == 2);
  CHECK(all[0]["step"] == 0);
  CHECK(all[1]["step"] == 7);
}

TEST_CASE("half a record that a killed run left is dropped by the next, whole ones stay") {
  const test::Scratch scratch;
  Telemetry({}, kLength, scratch.path(), 0).begin(0);
  scratch.file("metrics.jsonl", test::contents_of(scratch / "metrics.jsonl") + R"({"kind": "tra)");
  Telemetry({}, kLength, scratch.path(), 0).begin(7);
  const std::vector<Json> all = records(scratch.path());
  REQUIRE(all.size() == 2);
  CHECK(all[0]["step"] == 0);
  CHECK(all[1]["step"] == 7);
}

TEST_CASE("other ranks than 0 and runs without a directory write no records") {
  const test::Scratch scratch;
  Telemetry other({}, kLength, scratch.path(), 1);
  other.begin(0);
  other.end(0);
  CHECK(std::filesystem::is_empty(scratch.path()));
  Telemetry nowhere({}, kLength, {}, 0);
  nowhere.begin(0);
  nowhere.end(0);
}

TEST_CASE("records that cannot be opened are an environment error with the path") {
  try {
    const Telemetry telemetry({}, kLength, "/dev/null/run", 0);
    FAIL("accepted");
  } catch (const base::EnvironmentError& error) {
    CHECK(std::string(error.what()) == "cannot write /dev/null/run/metrics.jsonl: Not a directory");
  }
}

TEST_CASE("the verdict names what took most of the step time") {
  const auto verdict_of = [](int data_ms, int exposed_ms) {
    const test::Scratch scratch;
    Telemetry telemetry({}, kLength, scratch.path(), 0);
    const base::TimePoint begin = base::Clock::now();
    telemetry.begin(0);
    telemetry.on_span({base::Track::worker, kDataWaitSpan, begin, begin + milliseconds(data_ms)});
    telemetry.on_span({base::Track::worker, kExposedSpan, begin, begin + milliseconds(exposed_ms)});
    telemetry.on_span({base::Track::worker, kStepSpan, begin, begin + milliseconds(100)});
    telemetry.interval(1, telemetry.take_phases(), {.loss_sum = 1, .correct = 0, .samples = 1}, 1, {});
    telemetry.end(1);
    return records(scratch.path()).back()["bound"].get<std::string>();
  };
  CHECK(verdict_of(10, 20) == "compute");
  CHECK(verdict_of(10, 70) == "network");
  CHECK(verdict_of(60, 30) == "data");
}

TEST_CASE("waiting for the exchange is the codec's fault where that takes longer than the wire") {
  const auto verdict_of = [](int encode_ms, int decode_ms) {
    const test::Scratch scratch;
    Telemetry telemetry({}, kLength, scratch.path(), 0);
    const base::TimePoint begin = base::Clock::now();
    telemetry.begin(0);
    const auto span = [&](std::string_view name, int length_ms) {
      telemetry.on_span({base::Track::engine, name, begin, begin + milliseconds(length_ms)});
    };
    span(comm::engine::kEncodeSpan, encode_ms);
    span(comm::engine::kDecodeSpan, decode_ms);
    span(comm::engine::kExchangeSpan, 80);
    span(kExposedSpan, 60);
    span(kStepSpan, 100);
    telemetry.interval(1, telemetry.take_phases(), {.loss_sum = 1, .correct = 0, .samples = 1}, 1, {});
    telemetry.end(1);
    const Json end = records(scratch.path()).back();
    CHECK(end["hidden_percent"].get<double>() == Approx(25));
    return end["bound"].get<std::string>();
  };
  CHECK(verdict_of(10, 20) == "network");
  CHECK(verdict_of(30, 20) == "codec");
}

TEST_CASE("errors of the exchange are recorded by bucket") {
  const test::Scratch scratch;
  Telemetry telemetry({}, kLength, scratch.path(), 0);
  telemetry.exchange_error(5, std::vector<double>{0.25, 0.5});
  telemetry.exchange_error(6, std::vector<double>{});
  const std::vector<Json> all = records(scratch.path());
  REQUIRE(all.size() == 1);
  CHECK(all[0] == Json{{"kind", "verify"}, {"step", 5}, {"nmse", {0.25, 0.5}}});
}

TEST_CASE("every rank writes its own trace when the job asks for traces") {
  const test::Scratch scratch;
  config::Telemetry config;
  config.trace = true;
  for (const int rank : {0, 3}) {
    Telemetry telemetry(config, kLength, scratch.path(), rank);
    report_step(telemetry);
    telemetry.end(1);
  }
  const Json first = Json::parse(test::contents_of(scratch / "trace.json"));
  const Json other = Json::parse(test::contents_of(scratch / "trace-00003.json"));
  CHECK(first["traceEvents"].back()["pid"] == 0);
  CHECK(other["traceEvents"].back()["pid"] == 3);
}
