#pragma once

// Runs another program to its end, or ends it. Programs are argument vectors; no shell reads them.

#include "kernels/base/descriptor.hpp"

#include <chrono>
#include <csignal>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace eightfold::launch::process {

// While it lives, blocks the signals that ask this process to end: base::kEndSignals and those in `also`.
// There is time then to end child processes. Ignored signals stay ignored. One at a time, made before any
// thread is started.
class EndRequest {
 public:
  explicit EndRequest(std::initializer_list<int> also = {});
  ~EndRequest();
  EndRequest(const EndRequest&) = delete;  // owns the signal mask
  EndRequest& operator=(const EndRequest&) = delete;

  // Readable when a signal has come since signal() was last called.
  int descriptor() const noexcept { return descriptor_.get(); }
  // Waits for a signal, at most `limit`.
  bool comes_within(std::chrono::nanoseconds limit) const;
  // The first signal that has come, if any.
  std::optional<int> signal();

 private:
  base::Descriptor descriptor_;
  sigset_t before_{};
  std::optional<int> signal_;
};

struct ChildEnd {
  enum class How {
    exited,       // with `code`
    killed,       // by the signal `code` of somebody else
    timed_out,    // the limit passed; the child was ended
    interrupted,  // this process was asked to end; the child was ended
    hung,         // its work was done and it did not end; it was ended
  };
  How how = How::exited;
  int code = 0;
  std::string error_output;  // the end of its standard error
};

// Starts the program, found in PATH, without input and in a process group of its own, and waits for its end,
// at most `limit`. A program is ended by SIGTERM, and ten seconds later by SIGKILL. If this process is
// killed, the program gets SIGTERM. Throws EnvironmentError if the program cannot be started.
ChildEnd run_child(const std::vector<std::string>& arguments, std::chrono::nanoseconds limit,
                   EndRequest& request);
// The same for several programs at once, with one limit and one time of grace for all. The ends are in the
// order of the commands.
std::vector<ChildEnd> run_children(const std::vector<std::vector<std::string>>& commands,
                                   std::chrono::nanoseconds limit, EndRequest& request);

// The same for a program that does this process's work: its output goes to this process's own, and it has no
// limit. The first request to end is passed on as SIGUSR1, which mpirun and srun hand to every rank; the
// second ends the program (`interrupted`). `is_over` is asked once a second. Five seconds after it first
// returned true, the program is ended (`hung`). When this returns, all processes that the program has started
// on this machine have ended. For a process without threads or other children.
ChildEnd supervise_child(
    const std::vector<std::string>& arguments, EndRequest& request,
    const std::function<bool()>& is_over = [] { return false; });

}  // namespace eightfold::launch::process
