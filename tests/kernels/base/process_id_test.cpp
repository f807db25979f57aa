#include "kernels/base/process_id.hpp"

#include "tests/support/test.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

using namespace eightfold::base;

TEST_CASE("this process lives, and one of its number at another time or elsewhere is not it") {
  const ProcessId self = this_process();
  CHECK(self.number == ::getpid());
  CHECK_FALSE(self.host.empty());
  CHECK(self == this_process());
  CHECK(life_of(self) == Life::alive);
  ProcessId other = self;
  other.start += 1;
  CHECK(life_of(other) == Life::gone);
  for (std::string ProcessId::*const place : {&ProcessId::kernel, &ProcessId::pid_namespace}) {
    for (const char* text : {"another", ""}) {
      other = self;
      other.*place = text;
      CHECK(life_of(other) == Life::unknown);
    }
  }
}

TEST_CASE("a process is gone once it has ended, whether or not its parent knows") {
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const pid_t child = ::fork();
  if (child == 0) {  // tells when it has started, and waits
    const std::int64_t start = this_process().start;
    if (::write(pipe[1], &start, sizeof start) == sizeof start) ::pause();
    ::_exit(1);
  }
  ProcessId id = this_process();
  id.number = child;
  REQUIRE(::read(pipe[0], &id.start, sizeof id.start) == sizeof id.start);
  CHECK(life_of(id) == Life::alive);
  ::kill(child, SIGKILL);
  siginfo_t ended{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) == 0);
  CHECK(life_of(id) == Life::gone);
  CHECK(::waitpid(child, nullptr, 0) == child);
  CHECK(life_of(id) == Life::gone);
  for (const int end : pipe) ::close(end);
}
