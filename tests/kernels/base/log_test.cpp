#include "kernels/base/log.hpp"

#include "tests/support/child.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace eightfold;

TEST_CASE("log files are opened while other threads log, and each has the lines from then on") {
  const test::Scratch scratch;
  constexpr int kFiles = 40, kThreads = 3;
  // In a child, because a log has no way to close its files.
  const test::ChildEnd end = test::end_of_child([&] {
    std::atomic<bool> is_over = false;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        while (!is_over) base::log_debug("meanwhile");
      });
    for (int i = 0; i < kFiles; ++i) base::open_log_file(scratch / fmt::format("{}.log", i));
    is_over = true;
    for (std::thread& each : threads) each.join();
    base::log_warn("the last line");
  });
  CHECK(end.signal == 0);
  for (int i = 0; i < kFiles; ++i)
    CHECK(test::contents_of(scratch / fmt::format("{}.log", i)).ends_with(" warning the last line\n"));
}
