#include "kernels/base/crash_message.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/child.hpp"
#include "tests/support/test.hpp"

#include <csignal>
#include <string>

using namespace eightfold;
using test::end_of_child;

TEST_CASE("a crash says what was being tried, and stays a crash") {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    const test::ChildEnd end = end_of_child([&] {
      const base::CrashMessage message("the library fell over");
      ::raise(signal);
    });
    CHECK(end.signal == signal);
    CHECK(end.said == "error: the library fell over\n");
  }
}

TEST_CASE("a crash message is gone with its scope") {
  const test::ChildEnd end = end_of_child([] {
    std::signal(SIGABRT, SIG_DFL);
    { const base::CrashMessage message("not to be written"); }
    ::raise(SIGABRT);
  });
  CHECK(end.signal == SIGABRT);
  CHECK(end.said.empty());
}

TEST_CASE("a long crash message is cut, and still a line") {
  const test::ChildEnd end = end_of_child([] {
    const base::CrashMessage message(std::string(2000, 'x'));
    ::raise(SIGABRT);
  });
  CHECK(end.said.size() == 512);
  CHECK(end.said.back() == '\n');
}

TEST_CASE("two crash messages at a time are a mistake") {
  const base::CrashMessage message("first");
  CHECK_THROWS_AS(base::CrashMessage("second"), base::InternalError);
}
