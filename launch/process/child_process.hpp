#pragma once

// Runs another program to its end, or ends it. No shell: an argument vector.

#include "kernels/base/descriptor.hpp"

#include <chrono>
#include <csignal>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace eightfold::launch::process {

// Holds back the signals that ask this process to end (base::kEndSignals and those in `also`) while it lives,
// so that there is time to end what this process has started; not those that it was told to ignore. One at a
// time, before any thread is started.
class EndRequest {
 public:
  explicit EndRequest(std::initializer_list<int> also = {});
  ~EndRequest();
  EndRequest(const EndRequest&) = delete;  // owns the signal mask
  EndRequest& operator=(const EndRequest&) = delete;

  // Readable when a signal has come since signal() was last called.
  int descriptor() const noexcept { return descriptor_.get(); }
  // Waits for one, at most so long.
  bool comes_within(std::chrono::nanoseconds limit) const;
  // The first signal that has come, if one has.
  std::optional<int> signal();

 private:
  base::Descriptor descriptor_;
  sigset_t before_{};
  std::optional<int> signal_;
};

struct ChildEnd {
  enum class How {
    exited,       // with `code`
    killed,       // by the signal `code`, not by us
    timed_out,    // and was ended
    interrupted,  // this process was asked to end; the child was ended
    hung,         // its work was over, and it went on; it was ended
  };
  How how = How::exited;
  int code = 0;
  std::string error_output;  // the end of its standard error
};

// Starts the program, found in PATH, in a process group of its own, without input, and waits for its end, at
// most so long. Whoever has to be ended is asked by SIGTERM first and killed ten seconds later; if this
// process is killed, the program gets SIGTERM. Throws EnvironmentError when it cannot be started.
ChildEnd run_child(const std::vector<std::string>& arguments, std::chrono::nanoseconds limit,
                   EndRequest& request);
// The same for several at once, in their order, with one limit for all.
std::vector<ChildEnd> run_children(const std::vector<std::vector<std::string>>& commands,
                                   std::chrono::nanoseconds limit, EndRequest& request);

// The same for a program that does this process's work: its output is this process's, as it comes, and it may
// take as long as it wants. The first request to end is passed on to the program as SIGUSR1, which mpirun and
// srun hand to every rank, and its end is waited for; from the second on it is ended (`interrupted`).
// `is_over` is asked once a second; five seconds after it was so first, the program is ended (`hung`).
// All that it has started on this machine is over when this returns, whatever became of it. For a process
// without threads or other children.
ChildEnd supervise_child(
    const std::vector<std::string>& arguments, EndRequest& request,
    const std::function<bool()>& is_over = [] { return false; });

}  // namespace eightfold::launch::process
