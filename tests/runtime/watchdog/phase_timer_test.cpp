#include "runtime/watchdog/phase_timer.hpp"

#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::runtime;
using namespace std::chrono_literals;
using base::Phase;

namespace {

// A rank whose phases last as long as a test says, and the watchdog that looks at it every 100 ms.
class Life {
 public:
  explicit Life(const config::Watchdog& deadlines) : timer_(deadlines) {}

  // When within this long the deadline passes, and which.
  struct End {
    base::Duration after, deadline;
    std::string_view key;
  };
  std::optional<End> live(Phase phase, std::int64_t step, base::Duration length) {
    record_.phase = phase;
    record_.step = step;
    ++record_.phase_began_ns;
    return go_on(length);
  }
  // In the same phase.
  std::optional<End> go_on(base::Duration length) {
    for (base::Duration so_far{}; so_far < length; so_far += 100ms, now_ += 100ms)
      if (const auto deadline = timer_.overdue(record_, now_)) return End{so_far, *deadline, timer_.key()};
    return std::nullopt;
  }
  void pause(base::Duration length) { now_ += length; }

 private:
  watchdog::PhaseTimer timer_;
  base::FlightRecord record_;
  base::TimePoint now_ = base::Clock::now();
};

const config::Watchdog kShort{2s, 20s, 10s};

}  // namespace

TEST_CASE("a phase ends the job once its deadline has passed, not before") {
  for (const Phase phase : {Phase::data, Phase::forward, Phase::exchange, Phase::evaluation}) {
    Life life(kShort);
    CHECK_FALSE(life.live(phase, 0, 2s));
    const auto end = life.live(phase, 0, 1h);
    REQUIRE(end);
    CHECK(end->after == 2100ms);
    CHECK(end->deadline == 2s);
    CHECK(end->key == "watchdog.deadline");
  }
  CHECK(Life(kShort).live(Phase::start_up, 0, 1h)->after == 20100ms);
  CHECK(Life(kShort).live(Phase::start_up, 0, 1h)->key == "watchdog.start_up");
  CHECK(Life(kShort).live(Phase::checkpoint, 9, 1h)->after == 10100ms);
  CHECK(Life(kShort).live(Phase::checkpoint, 9, 1h)->key == "watchdog.checkpoint");
  CHECK_FALSE(Life(kShort).live(Phase::ended, 9, 1h));
}

TEST_CASE("a deadline of zero is none") {
  const config::Watchdog off{0s, 0s, 0s};
  for (const Phase phase : {Phase::start_up, Phase::data, Phase::exchange, Phase::checkpoint})
    CHECK_FALSE(Life(off).live(phase, 0, 24h));
}

TEST_CASE("many short phases are no long one") {
  Life life(kShort);
  for (int step = 0; step < 100; ++step) {
    CHECK_FALSE(life.live(Phase::data, step, 1s));
    CHECK_FALSE(life.live(Phase::forward, step, 1900ms));
  }
}

TEST_CASE("after the first steps a deadline is five times the longest of its phase") {
  Life life(kShort);
  CHECK_FALSE(life.live(Phase::forward, 30, 1s));  // too early to be learned from
  for (int step = 31; step < 35; ++step) CHECK_FALSE(life.live(Phase::forward, step, 1800ms));
  CHECK_FALSE(life.live(Phase::forward, 35, 1s));
  CHECK_FALSE(life.live(Phase::forward, 36, 200ms));
  CHECK(life.live(Phase::exchange, 36, 1h)->deadline == 2s);
  const auto end = life.live(Phase::forward, 37, 1h);
  REQUIRE(end);
  CHECK(end->deadline == 5s);
}

TEST_CASE("the time that the process was stopped does not count") {
  Life life(kShort);
  CHECK_FALSE(life.live(Phase::exchange, 3, 1500ms));
  life.pause(1h);
  const auto end = life.go_on(1h);
  REQUIRE(end);
  CHECK(end->after == 700ms);  // the look before the pause was 1400 ms into the phase
}
