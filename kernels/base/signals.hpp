#pragma once

// The signals that ask a process to end, and those of outputs that fail.

#include "kernels/base/clock.hpp"

#include <array>
#include <csignal>
#include <initializer_list>
#include <optional>

namespace eightfold::base {

// Signals that end a process by default: from a terminal (interrupt, quit, hang-up), from another process, at
// a soft limit of processor time.
inline constexpr std::array kEndSignals{SIGINT, SIGQUIT, SIGHUP, SIGXCPU, SIGTERM};
bool is_end_signal(int signal) noexcept;

// kEndSignals and `also`, without those that this process has been told to ignore, as nohup does: a blocked
// signal would come in spite of that.
sigset_t end_signals(std::initializer_list<int> also = {});

// Ignores SIGPIPE and SIGXFSZ: a closed reader and a limit on file sizes become errors of write(2), EPIPE and
// EFBIG, like a full disk. Before threads are started.
void ignore_output_signals();
// Between fork and exec: the program started gets them as this process has found them.
void restore_output_signals() noexcept;

// Tells the first request to end from the next. One Ctrl-C, one closed terminal or one timeout(1) may send
// several signals in a row. Signals right after a request are part of it.
class EndRequests {
 public:
  // A signal has come now. True if it is another request than the first.
  bool is_another(TimePoint now) noexcept;

 private:
  static constexpr std::chrono::milliseconds kOne{100};
  std::optional<TimePoint> first_;
};

}  // namespace eightfold::base
