// Catch2's own code, compiled once for the whole suite.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using EventListener = Catch::EventListenerBase;
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
using EventListener = Catch::TestEventListenerBase;
#endif

#include "tests/support/running_case.hpp"

#include <chrono>
#include <mutex>
#include <string>

namespace {

using eightfold::test::RunningCase;

std::mutex mutex;
RunningCase running;

void set_running(const std::string& name) {
  const std::lock_guard lock(mutex);
  running = {name, std::chrono::steady_clock::now()};
}

class Follower : public EventListener {
 public:
  using EventListener::EventListener;

  void testCaseStarting(const Catch::TestCaseInfo& info) override { set_running(info.name); }
  void testCaseEnded(const Catch::TestCaseStats&) override { set_running(""); }
};
CATCH_REGISTER_LISTENER(Follower)

}  // namespace

namespace eightfold::test {

RunningCase running_case() {
  const std::lock_guard lock(mutex);
  return running;
}

}  // namespace eightfold::test

int run_test_session(int argc, char** argv);
int run_test_session(int argc, char** argv) {
  Catch::Session session;
#ifdef CATCH_CONFIG_RUNNER
  // A selection without a test is a failure; for Catch2 3 it always is.
  session.configData().warnings = Catch::WarnAbout::NoTests;
#endif
  return session.run(argc, argv);
}
