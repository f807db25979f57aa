#include "kernels/base/signals.hpp"

#include <algorithm>
#include <cstddef>

namespace eightfold::base {
namespace {

constexpr std::array kOutputSignals{SIGPIPE, SIGXFSZ};

std::array<struct sigaction, kOutputSignals.size()> found{};
bool are_ignored = false;

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

bool is_end_signal(int signal) noexcept {
  return std::ranges::find(kEndSignals, signal) != kEndSignals.end();
}

sigset_t end_signals(std::initializer_list<int> also) {
  sigset_t signals;
  ::sigemptyset(&signals);
  const auto add = [&](int signal) {
    if (!is_ignored(signal)) ::sigaddset(&signals, signal);
  };
  std::ranges::for_each(kEndSignals, add);
  std::ranges::for_each(also, add);
  return signals;
}

void ignore_output_signals() {
  // A second call would find what the first one has set, and restore that.
  if (are_ignored) return;
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  for (std::size_t i = 0; i < kOutputSignals.size(); ++i) ::sigaction(kOutputSignals[i], &ignore, &found[i]);
  are_ignored = true;
}

void restore_output_signals() noexcept {
  if (!are_ignored) return;
  for (std::size_t i = 0; i < kOutputSignals.size(); ++i) ::sigaction(kOutputSignals[i], &found[i], nullptr);
}

bool EndRequests::is_another(TimePoint now) noexcept {
  if (!first_) first_ = now;
  return now - *first_ > kOne;
}

}  // namespace eightfold::base
