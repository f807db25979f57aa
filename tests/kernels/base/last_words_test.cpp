#include "kernels/base/last_words.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/test.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>

using namespace eightfold;

namespace {

struct End {
  int signal = 0;
  std::string said;
};

// What a child of this process says before a signal ends it.
End end_of_child(const std::function<void()>& action) {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipe[1], STDERR_FILENO);
    action();
    ::_exit(0);
  }
  ::close(pipe[1]);
  End end;
  std::array<char, 1024> text{};
  for (ssize_t n = 0; (n = ::read(pipe[0], text.data(), text.size())) > 0;)
    end.said.append(text.data(), static_cast<std::size_t>(n));
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  return end;
}

}  // namespace

TEST_CASE("a crash says what was being tried, and stays a crash") {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    const End end = end_of_child([&] {
      const base::LastWords words("the library fell over");
      ::raise(signal);
    });
    CHECK(end.signal == signal);
    CHECK(end.said == "error: the library fell over\n");
  }
}

TEST_CASE("last words end with what they were for") {
  const End end = end_of_child([] {
    std::signal(SIGABRT, SIG_DFL);
    { const base::LastWords words("not to be said"); }
    ::raise(SIGABRT);
  });
  CHECK(end.signal == SIGABRT);
  CHECK(end.said.empty());
}

TEST_CASE("long last words are cut, and still a line") {
  const End end = end_of_child([] {
    const base::LastWords words(std::string(2000, 'x'));
    ::raise(SIGABRT);
  });
  CHECK(end.said.size() == 512);
  CHECK(end.said.back() == '\n');
}

TEST_CASE("two last words at a time are a mistake") {
  const base::LastWords words("first");
  CHECK_THROWS_AS(base::LastWords("second"), base::InternalError);
}
