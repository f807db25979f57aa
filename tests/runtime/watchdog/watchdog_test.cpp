#include "runtime/watchdog/watchdog.hpp"

#include "kernels/base/flight_record.hpp"
#include "tests/support/child.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

using namespace eightfold;
using namespace eightfold::runtime;
using namespace std::chrono_literals;

namespace {

constexpr config::Watchdog kNone{0s, 0s, 0s};

// Gives up after ten seconds, without a word: what a test looks for is then missing.
void wait_for(const std::atomic<int>& value, int wanted) {
  for (int i = 0; i < 1000 && value != wanted; ++i) std::this_thread::sleep_for(10ms);
}

}  // namespace

TEST_CASE("signals reach the handler, and the process goes on") {
  const test::ChildEnd end = test::end_of_child([] {
    base::FlightRecorder recorder;
    watchdog::Watchdog watchdog(recorder);
    watchdog.watch(kNone, {});
    std::atomic<int> heard = 0;
    watchdog.on_signal([&](int signal) { heard = signal; });
    for (const int signal : {SIGUSR1, SIGTERM}) {
      ::kill(::getpid(), signal);
      wait_for(heard, signal);
      std::fprintf(stderr, "heard %d\n", heard.load());
    }
  });
  CHECK(end.signal == 0);
  CHECK(end.said == fmt::format("heard {}\nheard {}\n", SIGUSR1, SIGTERM));
}

TEST_CASE("the second signal that ends a run of one rank ends it at once, in one of several it is heard") {
  for (const int ranks : {1, 2}) {
    for (const auto& [first, second] : {std::pair{SIGINT, SIGINT}, std::pair{SIGHUP, SIGTERM}}) {
      const test::ChildEnd end = test::end_of_child([&, first = first, second = second] {
        base::FlightRecorder recorder;
        recorder.identify(0, ranks, "here");
        watchdog::Watchdog watchdog(recorder);
        watchdog.watch(kNone, {});
        std::atomic<int> count = 0;
        watchdog.on_signal([&](int) { ++count; });
        ::kill(::getpid(), first);
        wait_for(count, 1);
        std::this_thread::sleep_for(200ms);
        ::kill(::getpid(), second);
        wait_for(count, 2);
      });
      CHECK(end.signal == (ranks == 1 ? second : 0));
    }
  }
}

TEST_CASE("a signal that the process was told to ignore stays ignored") {
  const test::ChildEnd end = test::end_of_child([] {
    ::signal(SIGHUP, SIG_IGN);
    {
      base::FlightRecorder recorder;
      const watchdog::Watchdog watchdog(recorder);  // without a handler: it would end the process
      ::kill(::getpid(), SIGHUP);
      std::this_thread::sleep_for(300ms);
    }
    ::kill(::getpid(), SIGHUP);
  });
  CHECK(end.signal == 0);
}

TEST_CASE("without a handler signals end the process as ever") {
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGXCPU}) {
    const test::ChildEnd end = test::end_of_child([&] {
      base::FlightRecorder recorder;
      const watchdog::Watchdog watchdog(recorder);
      ::kill(::getpid(), signal);
      std::this_thread::sleep_for(10s);
    });
    CHECK(end.signal == signal);
  }
}

TEST_CASE("after the watchdog signals are the process's own again") {
  const test::ChildEnd end = test::end_of_child([] {
    base::FlightRecorder recorder;
    { const watchdog::Watchdog watchdog(recorder); }
    ::kill(::getpid(), SIGUSR2);
    std::this_thread::sleep_for(10s);
  });
  CHECK(end.signal == SIGUSR2);
}

TEST_CASE("SIGUSR2 before there is a run directory is said to come too early") {
  const test::ChildEnd end = test::end_of_child([] {
    base::FlightRecorder recorder;
    watchdog::Watchdog watchdog(recorder);
    ::kill(::getpid(), SIGUSR2);
    std::this_thread::sleep_for(1s);
  });
  CHECK(end.signal == 0);
  CHECK(end.said.find("there is no run directory yet") != std::string::npos);
}

TEST_CASE("a start-up without end is ended") {
  const test::ChildEnd end = test::end_of_child([] {
    base::FlightRecorder recorder;
    recorder.identify(0, 1, "here");
    watchdog::Watchdog watchdog(recorder);
    watchdog.watch({0s, 200ms, 0s}, {});
    std::this_thread::sleep_for(30s);
    std::fprintf(stderr, "outlived it\n");
  });
  CHECK(end.said.find("watchdog: rank 0 (host here) late in start-up at step 0: it has been there for ") !=
        std::string::npos);
  CHECK(end.said.find("outlived it") == std::string::npos);
}
