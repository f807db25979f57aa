#include "tests/support/child.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace eightfold::test {

ChildEnd end_of_child(const std::function<void()>& action) {
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    ::dup2(pipe[1], STDERR_FILENO);
    action();
    ::_exit(0);
  }
  ::close(pipe[1]);
  ChildEnd end;
  std::array<char, 1024> text{};
  for (ssize_t n = 0; (n = ::read(pipe[0], text.data(), text.size())) > 0;)
    end.said.append(text.data(), static_cast<std::size_t>(n));
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  return end;
}

}  // namespace eightfold::test
