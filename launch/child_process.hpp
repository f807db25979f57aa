#pragma once

// Runs another program to its end, or ends it. No shell: an argument vector.

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

namespace eightfold::launch {

// Holds back the signals that ask this process to end (interrupt, terminate, hang-up) while it lives, so that
// there is time to end what this process has started. One at a time, before any thread is started.
class EndRequest {
 public:
  EndRequest();
  ~EndRequest();
  EndRequest(const EndRequest&) = delete;  // owns a descriptor and the signal mask
  EndRequest& operator=(const EndRequest&) = delete;

  // Readable when a signal has come.
  int descriptor() const noexcept { return descriptor_; }
  // The first signal that has come, if one has.
  std::optional<int> signal();

 private:
  int descriptor_;
  sigset_t before_{};
  std::optional<int> signal_;
};

struct ChildEnd {
  enum class How {
    exited,       // with `code`
    killed,       // by the signal `code`, not by us
    timed_out,    // and was ended
    interrupted,  // this process was asked to end; the child was ended
  };
  How how = How::exited;
  int code = 0;
  std::string said;  // the end of its standard error
};

// Starts the program, found in PATH, in a process group of its own, without input, and waits for its end, at
// most so long. Whoever has to be ended is asked by SIGTERM first and killed ten seconds later; if this
// process is killed, the program gets SIGTERM. Throws EnvironmentError when it cannot be started.
ChildEnd run_child(const std::vector<std::string>& arguments, std::chrono::nanoseconds limit,
                   EndRequest& request);

}  // namespace eightfold::launch
