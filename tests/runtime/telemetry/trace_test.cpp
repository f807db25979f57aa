#include "runtime/telemetry/trace.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <nlohmann/json.hpp>

#include <thread>

using namespace eightfold;
using eightfold::runtime::telemetry::Trace;
using Json = nlohmann::json;
using std::chrono::microseconds;

namespace {

Json events_of(const Trace& trace, int rank = 0) {
  const test::Scratch scratch;
  trace.write(scratch / "trace.json", rank);
  return Json::parse(test::contents_of(scratch / "trace.json")).at("traceEvents");
}

// Without the names of the rows.
std::vector<Json> spans_of(const Trace& trace) {
  std::vector<Json> spans;
  for (const Json& event : events_of(trace))
    if (event.at("ph") == "X") spans.push_back(event);
  return spans;
}

}  // namespace

TEST_CASE("an empty trace names the three rows of work and its rank, and nothing else") {
  const Json events = events_of(Trace(), 4);
  REQUIRE(events.size() == 4);
  const char* names[] = {"worker", "engine", "loader"};
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(events[i] ==
          Json{{"ph", "M"}, {"pid", 4}, {"tid", i}, {"name", "thread_name"}, {"args", {{"name", names[i]}}}});
  CHECK(events[3] == Json{{"ph", "M"}, {"pid", 4}, {"name", "process_name"}, {"args", {{"name", "rank 4"}}}});
}

TEST_CASE("a span is one complete event on its row, in microseconds since the trace began") {
  const base::TimePoint before = base::Clock::now();
  Trace trace;
  const base::TimePoint begin = base::Clock::now();
  trace.add({base::Track::engine, "encode", begin, begin + microseconds(250), 3});
  const std::vector<Json> spans = spans_of(trace);
  REQUIRE(spans.size() == 1);
  CHECK(spans[0]["name"] == "encode");
  CHECK(spans[0]["tid"] == 1);
  CHECK(spans[0]["dur"].get<double>() == Approx(250));
  CHECK(spans[0]["ts"].get<double>() >= 0);
  CHECK(spans[0]["ts"].get<double>() <= 1e6 * base::seconds(begin - before));
  CHECK(spans[0]["args"] == Json{{"index", 3}});
}

TEST_CASE("buckets in exchange may overlap: each has a begin and an end, tied by a number of its own") {
  Trace trace;
  const base::TimePoint begin = base::Clock::now();
  for (const int bucket : {0, 1})
    trace.add({base::Track::engine, "exchange", begin + microseconds(10 * bucket),
               begin + microseconds(100 + bucket), bucket});
  CHECK(spans_of(trace).empty());
  std::vector<Json> begins, ends;
  for (const Json& event : events_of(trace)) {
    if (event.at("ph") == "b") begins.push_back(event);
    if (event.at("ph") == "e") ends.push_back(event);
  }
  REQUIRE(begins.size() == 2);
  REQUIRE(ends.size() == 2);
  CHECK(begins[0]["id"] != begins[1]["id"]);
  for (const std::size_t i : {0, 1}) {
    for (const char* key : {"id", "cat", "name", "pid", "tid", "args"}) CHECK(begins[i][key] == ends[i][key]);
    CHECK(begins[i]["args"] == Json{{"index", i}});
    const double length_us = ends[i]["ts"].get<double>() - begins[i]["ts"].get<double>();
    CHECK(length_us == Approx(i == 0 ? 100 : 91));
  }
}

TEST_CASE("beyond its limit a trace keeps the first spans") {
  Trace trace(2);
  for (std::int64_t i = 0; i < 5; ++i)
    trace.add({base::Track::worker, "step", base::Clock::now(), base::Clock::now(), i});
  const std::vector<Json> spans = spans_of(trace);
  REQUIRE(spans.size() == 2);
  CHECK(spans[1]["args"]["index"] == 1);
}

TEST_CASE("spans may come from several threads at once") {
  Trace trace;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 500; ++k)
        trace.add({base::Track::loader, "load", base::Clock::now(), base::Clock::now(), k});
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(spans_of(trace).size() == 2000);
}

TEST_CASE("a trace that cannot be written is an environment error") {
  CHECK_THROWS_AS(Trace().write("/dev/null/trace.json", 0), base::EnvironmentError);
}
