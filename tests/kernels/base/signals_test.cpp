#include "kernels/base/signals.hpp"

#include "tests/support/child.hpp"
#include "tests/support/test.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

using namespace eightfold::base;
using namespace std::chrono_literals;
using eightfold::test::end_of_child;

TEST_CASE("a reader who has gone is an error of write, and a program that is started is spared this") {
  const auto write_to_nobody = [] {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return;
    ::close(ends[0]);
    const ssize_t written = ::write(ends[1], "x", 1);
    std::fprintf(stderr, "%d", written < 0 && errno == EPIPE ? 1 : 0);
  };
  const auto ignored = end_of_child([&] {
    ignore_output_signals();
    write_to_nobody();
  });
  CHECK(ignored.signal == 0);
  CHECK(ignored.said == "1");
  const auto restored = end_of_child([&] {
    ignore_output_signals();
    ignore_output_signals();
    restore_output_signals();
    write_to_nobody();
  });
  CHECK(restored.signal == SIGPIPE);
}

TEST_CASE("signals that the process was told to ignore are none of those that end it") {
  const auto end = end_of_child([] {
    ::signal(SIGHUP, SIG_IGN);
    const sigset_t signals = end_signals({SIGUSR1});
    for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2})
      std::fprintf(stderr, "%d", ::sigismember(&signals, signal));
  });
  CHECK(end.said == "011110");
}

TEST_CASE("signals in a row are one request, a later one is another") {
  EndRequests requests;
  const TimePoint start = Clock::now();
  CHECK_FALSE(requests.is_another(start));
  CHECK_FALSE(requests.is_another(start));
  CHECK_FALSE(requests.is_another(start + 100ms));
  CHECK(requests.is_another(start + 101ms));
  CHECK(requests.is_another(start + 1h));
}
