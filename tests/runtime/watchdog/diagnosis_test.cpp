#include "runtime/watchdog/diagnosis.hpp"

#include "tests/support/test.hpp"

#include <fmt/format.h>

using namespace eightfold;
using namespace eightfold::runtime;
using base::FlightRecord;
using base::Phase;
using base::Wait;

namespace {

// A rank that computes in step 12, on a host of its own: a, b, c ...
watchdog::Witness computing(int rank, int ranks) {
  FlightRecord record;
  record.rank = rank;
  record.ranks = ranks;
  record.host[0] = static_cast<char>('a' + rank);
  record.phase = Phase::forward;
  record.step = 12;
  record.phase_began_ns = 1'000'000'000;
  record.heartbeat_ns = 5'500'000'000;
  record.collectives_entered = record.collectives_left = 7;
  return {watchdog::Liveness::alive, record};
}

class Ranks {
 public:
  explicit Ranks(int count) {
    for (int rank = 0; rank < count; ++rank) witnesses_.push_back(computing(rank, count));
  }
  watchdog::Witness& operator[](int rank) { return witnesses_[static_cast<std::size_t>(rank)]; }

  Ranks& waits(int rank, int peer, Wait::Direction direction = Wait::Direction::receive) {
    FlightRecord& record = *(*this)[rank].record;
    record.phase = Phase::exchange;
    record.wait = {direction, static_cast<std::uint16_t>(peer), 3, 1};
    return *this;
  }
  Ranks& enters(int rank) {
    FlightRecord& record = *(*this)[rank].record;
    record.phase = Phase::exchange;
    record.collectives_entered = 8;
    record.collective = static_cast<std::int64_t>(base::CommunicatorCall::sum);
    return *this;
  }
  Ranks& has_liveness(int rank, watchdog::Liveness liveness) {
    (*this)[rank].liveness = liveness;
    return *this;
  }
  Ranks& is_unreadable(int rank) {
    (*this)[rank] = {};
    return *this;
  }
  std::string diagnosed_by(int asking) const { return watchdog::diagnose(witnesses_, asking); }

 private:
  std::vector<watchdog::Witness> witnesses_;
};

constexpr const char* kBusy = "it has been there for 4.5 s and waits for nobody";

}  // namespace

TEST_CASE("a rank that waits for nobody is late in what it does") {
  for (const Phase phase :
       {Phase::start_up, Phase::data, Phase::forward, Phase::evaluation, Phase::checkpoint}) {
    Ranks ranks(2);
    ranks.waits(0, 1)[1].record->phase = phase;
    CHECK(ranks.diagnosed_by(0) ==
          fmt::format("rank 1 (host b) late in {} at step 12, bucket 3: {}; rank 0 waits "
                      "for it",
                      to_string(phase), kBusy));
    CHECK(ranks.diagnosed_by(1) == ranks.diagnosed_by(0));
  }
}

TEST_CASE("a single rank can only be late itself") {
  CHECK(Ranks(1).diagnosed_by(0) == fmt::format("rank 0 (host a) late in forward at step 12: {}", kBusy));
}

TEST_CASE("what does not live is named with the reason") {
  const std::pair<watchdog::Liveness, std::string> cases[] = {
      {watchdog::Liveness::stopped, "its process is stopped"},
      {watchdog::Liveness::gone, "its process is gone"},
      {watchdog::Liveness::silent, "there is no sign of life from its process"}};
  for (const auto& [liveness, words] : cases) {
    Ranks ranks(3);
    // It was itself waiting when it was stopped: that no longer matters.
    ranks.waits(0, 2).waits(1, 2).waits(2, 0).has_liveness(2, liveness);
    CHECK(ranks.diagnosed_by(0) == "rank 2 (host c) late in exchange at step 12, bucket 3: " + words +
                                       "; rank 0 waits for it, rank 1 waits for it");
    CHECK(ranks.diagnosed_by(1) == ranks.diagnosed_by(0));
  }
}

TEST_CASE("a chain of waits is followed to its end from everywhere") {
  Ranks ranks(4);
  ranks.waits(0, 3).waits(3, 2, Wait::Direction::send).waits(2, 1);
  const std::string line = fmt::format(
      "rank 1 (host b) late in forward at step 12, bucket 3: {}; rank 0 waits for rank 3, rank 2 waits for "
      "it, rank "
      "3 waits for rank 2",
      kBusy);
  for (int asking = 0; asking < 4; ++asking) CHECK(ranks.diagnosed_by(asking) == line);
}

TEST_CASE("ranks off the chain are not said to wait for its end") {
  Ranks ranks(4);
  ranks.waits(0, 1).waits(2, 3);
  CHECK(ranks.diagnosed_by(0) ==
        fmt::format("rank 1 (host b) late in forward at step 12, bucket 3: {}; rank 0 waits for it", kBusy));
  CHECK(ranks.diagnosed_by(2) ==
        fmt::format("rank 3 (host d) late in forward at step 12, bucket 3: {}; rank 2 waits for it", kBusy));
}

TEST_CASE("a collective is awaited from those who have not entered it") {
  Ranks ranks(3);
  ranks.enters(0).enters(2);
  const std::string line = fmt::format(
      "rank 1 (host b) late in forward at step 12, collective 8 (sum): {}; rank 0 waits for it, rank 2 "
      "waits for it",
      kBusy);
  CHECK(ranks.diagnosed_by(0) == line);
  CHECK(ranks.diagnosed_by(2) == line);
}

TEST_CASE("a rank that was stopped within a collective keeps the others in it") {
  Ranks ranks(3);
  ranks.enters(0).enters(1).enters(2).has_liveness(1, watchdog::Liveness::stopped);
  CHECK(ranks.diagnosed_by(2) ==
        "rank 1 (host b) late in exchange at step 12, collective 8 (sum): its process is stopped; rank 0 "
        "waits for "
        "it, rank 2 waits for it");
}

TEST_CASE("a stopped rank goes before one that is merely behind") {
  Ranks ranks(4);
  ranks.enters(0).enters(3).has_liveness(2, watchdog::Liveness::stopped);
  CHECK(ranks.diagnosed_by(0).starts_with("rank 2 (host c) late in forward at step 12, collective 8"));
}

TEST_CASE("a collective that all are in is said to hang itself") {
  Ranks ranks(2);
  ranks.enters(0).enters(1);
  CHECK(ranks.diagnosed_by(1) ==
        "rank 1 (host b) late in exchange at step 12, collective 8 (sum): all ranks are in this collective, "
        "and it "
        "does not end");
}

TEST_CASE("a rank that does not get out of a collective that others are through is cut off") {
  Ranks ranks(3);
  ranks.enters(0).enters(1).enters(2);
  for (const int through : {0, 1}) {
    ranks[through].record->collectives_left = 8;
    ranks.waits(through, 2);
  }
  CHECK(ranks.diagnosed_by(0) ==
        "rank 2 (host c) late in exchange at step 12, bucket 3: others are through collective 8 (sum), and "
        "it is not; "
        "is its host cut off?; rank 0 waits for it, rank 1 waits for it");
}

TEST_CASE("of two ranks that a collective has parted either may be cut off") {
  Ranks ranks(2);
  ranks.enters(0).enters(1);
  ranks[0].record->collectives_left = 8;
  ranks.waits(0, 1);
  CHECK(
      ranks.diagnosed_by(0) ==
      "rank 1 (host b) late in exchange at step 12, bucket 3: rank 0 (host a) is through collective 8 (sum), "
      "and it is not; is the link between them down?; rank 0 waits for it");
}

TEST_CASE("what no record can tell is said as such") {
  Ranks ranks(2);
  ranks.waits(0, 1).is_unreadable(1);
  CHECK(ranks.diagnosed_by(0) ==
        "rank 0 (host a) late in exchange at step 12, bucket 3: it waits for rank 1, whose flight record "
        "cannot be "
        "read");
  Ranks others(3);
  others.enters(0).is_unreadable(1).is_unreadable(2);
  CHECK(others.diagnosed_by(0) ==
        "rank 0 (host a) late in exchange at step 12, collective 8 (sum): it waits for ranks whose flight "
        "records "
        "cannot be read");
  Ranks chain(3);
  chain.waits(0, 1).waits(1, 2).is_unreadable(2);
  CHECK(chain.diagnosed_by(0) ==
        "rank 1 (host b) late in exchange at step 12, bucket 3: it waits for rank 2, whose flight record "
        "cannot be "
        "read; rank 0 waits for it");
}

TEST_CASE("two that live and wait for each other point at what lies between them") {
  Ranks ranks(2);
  ranks.waits(0, 1).waits(1, 0);
  const std::string line =
      "rank 0 (host a) late in exchange at step 12, bucket 3: it and rank 1 (host b) live and wait for each "
      "other; is "
      "the link between them down?";
  CHECK(ranks.diagnosed_by(0) == line);
  CHECK(ranks.diagnosed_by(1) == line);
}

TEST_CASE("a rank for which all others wait is the one that is cut off") {
  for (const int cut : {0, 1, 2, 3}) {
    Ranks ranks(4);
    for (int rank = 0; rank < 4; ++rank) ranks.waits(rank, rank == cut ? (cut + 1) % 4 : cut);
    for (int asking = 0; asking < 4; ++asking) {
      const std::string line = ranks.diagnosed_by(asking);
      CAPTURE(line);
      CHECK(line.starts_with(
          fmt::format("rank {} (host {}) late in exchange at step 12, bucket 3: it lives and waits "
                      "for rank {}; is its host cut off?; rank ",
                      cut, static_cast<char>('a' + cut), (cut + 1) % 4)));
    }
  }
}

TEST_CASE("a circle of three is named whole") {
  Ranks ranks(3);
  ranks.waits(0, 1).waits(1, 2).waits(2, 0);
  CHECK(ranks.diagnosed_by(1) ==
        "rank 0 (host a) late in exchange at step 12, bucket 3: it and rank 1 (host b), rank 2 (host c) live "
        "and wait "
        "for each other; is the link between them down?");
}

TEST_CASE("a circle of the living is no answer where another rank is dead") {
  Ranks ranks(3);
  ranks.waits(0, 1, Wait::Direction::send)
      .waits(1, 0, Wait::Direction::send)
      .has_liveness(2, watchdog::Liveness::gone);
  CHECK(ranks.diagnosed_by(0) == "rank 2 (host c) late in forward at step 12: its process is gone");
}

TEST_CASE("a rank that has left is not waited with") {
  Ranks ranks(2);
  ranks.waits(0, 1)[1].record->phase = Phase::ended;
  ranks[1].record->exit_code = 3;
  for (const watchdog::Liveness liveness : {watchdog::Liveness::alive, watchdog::Liveness::gone}) {
    ranks.has_liveness(1, liveness);
    CHECK(ranks.diagnosed_by(0) ==
          "rank 1 (host b) has ended with code 3 at step 12, bucket 3: it said why, if it failed; rank 0 "
          "waits for it");
  }
}

TEST_CASE("waits for ranks that there are not are no waits") {
  Ranks ranks(2);
  ranks.waits(0, 9);
  CHECK(ranks.diagnosed_by(0).starts_with("rank 0 (host a) late in exchange at step 12, bucket 3: "));
}

TEST_CASE("many waiting ranks are counted, not listed") {
  Ranks ranks(20);
  for (int rank = 0; rank < 20; ++rank)
    if (rank != 13) ranks.waits(rank, 13);
  const std::string line = ranks.diagnosed_by(0);
  CAPTURE(line);
  CHECK(line.starts_with("rank 13 (host n) late in forward"));
  CHECK(line.ends_with("rank 7 waits for it, and 11 more wait"));
}

TEST_CASE("what a rank did last names its bucket") {
  base::FlightRecorder recorder;
  recorder.begin_phase(Phase::exchange, 12);
  recorder.note(base::FlightEvent::Kind::begin, 12, 4);
  recorder.note(base::FlightEvent::Kind::begin, 12, 5);
  CHECK(watchdog::last_activity(recorder.read()) == "it was in exchange at step 12, bucket 5");
  recorder.begin_phase(Phase::data, 13);
  CHECK(watchdog::last_activity(recorder.read()) == "it was in data at step 13");
}
