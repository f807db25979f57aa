#pragma once

// For calls into libraries that may crash: as long as one of these lives, a fatal signal (SIGSEGV, SIGBUS,
// SIGFPE, SIGILL, SIGABRT) of this process writes a line that says what was being tried, and then kills the
// process as it would have done. One at a time; made and ended by one thread.

#include <array>
#include <csignal>
#include <string_view>

namespace eightfold::base {

class CrashMessage {
 public:
  // The line is stamped like an error of the log; it may be about 400 characters long.
  explicit CrashMessage(std::string_view message);
  ~CrashMessage();
  CrashMessage(const CrashMessage&) = delete;  // it stands for the process's signal handlers
  CrashMessage& operator=(const CrashMessage&) = delete;

 private:
  static constexpr std::array kSignals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  std::array<struct sigaction, kSignals.size()> before_{};
};

}  // namespace eightfold::base
