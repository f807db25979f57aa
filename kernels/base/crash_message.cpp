#include "kernels/base/crash_message.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/log.hpp"

#include <unistd.h>

#include <algorithm>

namespace eightfold::base {
namespace {

// A signal handler may neither allocate nor lock: the line is ready before.
std::array<char, 512> line;
std::size_t line_size = 0;

extern "C" void write_crash_message(int signal) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line_size);
  ::raise(signal);  // SA_RESETHAND has put the default back; it acts when this returns
}

}  // namespace

CrashMessage::CrashMessage(std::string_view message) {
  require(line_size == 0, "two crash messages");
  const std::string stamp = log_stamp();
  const auto result = fmt::format_to_n(line.data(), line.size() - 1, "{}{}error: {}", stamp,
                                       stamp.empty() ? "" : " ", message);
  *result.out = '\n';
  // The result's size is what the whole text would take, also where it was cut.
  line_size = std::min(result.size, line.size() - 1) + 1;
  struct sigaction action {};
  action.sa_handler = write_crash_message;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &before_[i]);
}

CrashMessage::~CrashMessage() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
  line_size = 0;
}

}  // namespace eightfold::base
