#include "kernels/base/flight_record.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <sys/stat.h>

#include <latch>
#include <set>
#include <thread>

using namespace eightfold;
using namespace eightfold::base;
using Kind = FlightEvent::Kind;

TEST_CASE("a record says what was written last") {
  FlightRecorder recorder;
  recorder.identify(3, 8, "node2");
  recorder.begin_phase(Phase::data, 11);
  recorder.begin_phase(Phase::exchange, 12);
  recorder.wait_for({Wait::Direction::receive, 5, 7, 9});
  recorder.enter(CommunicatorCall::sum);
  recorder.leave();
  recorder.enter(CommunicatorCall::all_gather);
  const FlightRecord record = recorder.read();
  CHECK(record.rank == 3);
  CHECK(record.ranks == 8);
  CHECK(record.host_name() == "node2");
  CHECK(record.phase == Phase::exchange);
  CHECK(record.step == 12);
  CHECK(record.wait.direction == Wait::Direction::receive);
  CHECK(record.wait.peer == 5);
  CHECK(record.wait.bucket == 7);
  CHECK(record.wait.segment == 9);
  CHECK(record.collectives_entered == 2);
  CHECK(record.is_in_collective());
  CHECK(record.collective == static_cast<std::int64_t>(CommunicatorCall::all_gather));
  CHECK(record.phase_began_ns <= record.last_events().back().time_ns);
}

TEST_CASE("the ring holds the last 256 events in their order") {
  FlightRecorder recorder;
  for (const std::int64_t count : {0, 1, 255, 256, 257, 1000}) {
    FlightRecorder fresh;
    for (std::int64_t i = 0; i < count; ++i) fresh.note(Kind::submit, i, 2 * i);
    const std::vector<FlightEvent> events = fresh.read().last_events();
    CAPTURE(count);
    REQUIRE(static_cast<std::int64_t>(events.size()) == std::min<std::int64_t>(count, 256));
    for (std::size_t i = 0; i < events.size(); ++i) {
      const std::int64_t expected = count - static_cast<std::int64_t>(events.size() - i);
      CHECK(events[i].number == expected + 1);
      CHECK(events[i].step == expected);
      CHECK(events[i].what.index == 2 * expected);
      CHECK(events[i].what.kind == Kind::submit);
    }
  }
}

TEST_CASE("two threads write without losing or mixing an event") {
  FlightRecorder recorder;
  constexpr std::int64_t kEach = 20000;
  const auto write = [&](Kind kind, std::int64_t sign) {
    for (std::int64_t i = 1; i <= kEach; ++i) recorder.note(kind, sign * i, sign * i);
  };
  bool is_whole = true;
  {
    const std::jthread engine(write, Kind::begin, -1);
    const std::jthread worker(write, Kind::submit, 1);
    for (int i = 0; i < 100; ++i)
      for (const FlightEvent& event : recorder.read().last_events())
        is_whole &= event.step == event.what.index && (event.step > 0) == (event.what.kind == Kind::submit);
  }
  CHECK(is_whole);
  const FlightRecord record = recorder.read();
  CHECK(record.events_written == 2 * kEach);
  std::set<std::int64_t> numbers;
  for (const FlightEvent& event : record.last_events()) numbers.insert(event.number);
  CHECK(numbers.size() == FlightRecord::kEvents);
  CHECK(*numbers.begin() == 2 * kEach - 255);
}

TEST_CASE("who reads a record while it is identified and moved sees nothing by halves") {
  const test::Scratch scratch;
  const std::string host(63, 'h');
  bool is_whole = true;
  for (int round = 0; round < 20; ++round) {
    FlightRecorder recorder;
    std::latch started(2);
    std::jthread watchdog([&](const std::stop_token& stop) {
      started.arrive_and_wait();
      while (!stop.stop_requested()) {
        recorder.beat();
        const FlightRecord seen = recorder.read();
        const bool is_known = seen.rank == 3 && seen.ranks == 8 && seen.host_name() == host;
        const bool is_unknown = seen.rank == 0 && seen.ranks == 1 && seen.host_name().empty();
        is_whole &= is_known || is_unknown;
      }
    });
    started.arrive_and_wait();
    recorder.identify(3, 8, host);
    recorder.keep_in(scratch.path());
    watchdog = {};
    CHECK(recorder.read().heartbeat_ns == read_flight_record(flight_file(scratch.path(), 3))->heartbeat_ns);
  }
  CHECK(is_whole);
}

TEST_CASE("a record is identified once and moved once") {
  const test::Scratch scratch;
  FlightRecorder recorder;
  recorder.identify(1, 2, "here");
  CHECK_THROWS_AS(recorder.identify(0, 2, "there"), Error);
  recorder.keep_in(scratch.path());
  CHECK_THROWS_AS(recorder.keep_in(scratch.path()), Error);
  CHECK(recorder.read().rank == 1);
}

TEST_CASE("a record goes on in its file, and its file outlives it") {
  const test::Scratch scratch;
  {
    FlightRecorder recorder;
    recorder.identify(2, 4, std::string(100, 'h'));
    recorder.note(Kind::begin, 5, 6);
    recorder.keep_in(scratch.path());
    recorder.begin_phase(Phase::checkpoint, 40);
    recorder.end(7);
  }
  const std::filesystem::path file = flight_file(scratch.path(), 2);
  CHECK(file.filename() == "rank-00002.bin");
  struct stat facts {};
  REQUIRE(::stat(file.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0600);
  const auto record = read_flight_record(file);
  REQUIRE(record);
  CHECK(record->host_name() == std::string(63, 'h'));
  CHECK(record->phase == Phase::ended);
  CHECK(record->exit_code == 7);
  CHECK(record->step == 40);
  REQUIRE(record->last_events().size() == 3);
  CHECK(record->last_events()[0].step == 5);
}

TEST_CASE("a record replaces that of an earlier run and leaves it whole for who still has it") {
  const test::Scratch scratch;
  FlightRecorder earlier, later;
  earlier.keep_in(scratch.path());
  later.keep_in(scratch.path());
  earlier.begin_phase(Phase::data, 1);
  later.begin_phase(Phase::forward, 2);
  CHECK(read_flight_record(flight_file(scratch.path(), 0))->phase == Phase::forward);
  CHECK(earlier.read().phase == Phase::data);
}

TEST_CASE("where there is no directory the record says so and stays in memory") {
  const test::Scratch scratch;
  FlightRecorder recorder;
  CHECK_THROWS_AS(recorder.keep_in(scratch / "missing"), EnvironmentError);
  recorder.begin_phase(Phase::data, 9);
  CHECK(recorder.read().step == 9);
}

TEST_CASE("files that are no record are not taken for one") {
  const test::Scratch scratch;
  FlightRecorder recorder;
  recorder.keep_in(scratch.path());
  const std::string whole = test::contents_of(flight_file(scratch.path(), 0));
  CHECK(read_flight_record(scratch.file("whole", whole)));
  CHECK_FALSE(read_flight_record(scratch / "missing"));
  CHECK_FALSE(read_flight_record(scratch.file("empty", "")));
  CHECK_FALSE(read_flight_record(scratch.file("short", whole.substr(0, sizeof(FlightRecord) - 1))));
  std::string other = whole;
  other[0] = 'x';
  CHECK_FALSE(read_flight_record(scratch.file("magic", other)));
  other = whole;
  ++other[8];
  CHECK_FALSE(read_flight_record(scratch.file("version", other)));
}
