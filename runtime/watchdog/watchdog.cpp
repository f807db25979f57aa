#include "runtime/watchdog/watchdog.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"
#include "kernels/base/signals.hpp"
#include "runtime/watchdog/diagnosis.hpp"
#include "runtime/watchdog/phase_timer.hpp"
#include "runtime/watchdog/report.hpp"
#include "runtime/watchdog/witness.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace eightfold::runtime::watchdog {
namespace {

using namespace std::chrono_literals;

constexpr auto kHeartbeatInterval = 100ms;
// A process without a heartbeat for this long is not alive. mpirun kills a second after its SIGTERM.
constexpr auto kWatchOnExpiry = 1000ms;
constexpr auto kWatchOnTerm = 400ms;
// How long a rank waits for the report of a lower one, and after it for the launcher to end this rank, too.
constexpr auto kPatienceOnExpiry = 1000ms, kPatienceOnTerm = 300ms;
constexpr auto kWaitForLauncher = 2000ms;
// All waits of expire() in a row, and time for records to be read and written.
constexpr auto kLongestExpiry = kWatchOnExpiry + kPatienceOnExpiry + kWaitForLauncher + 2000ms;

// As the signal would have done without a watchdog.
void do_default(int signal) {
  std::signal(signal, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(signal);
}

bool has_failed(const Witness& witness) {
  return witness.record && witness.record->phase == base::Phase::ended && witness.record->exit_code != 0;
}

bool has_reported(const Witness& witness) {
  const auto is = [&](base::ExitCode code) { return witness.record->exit_code == static_cast<int>(code); };
  return has_failed(witness) && (is(base::ExitCode::watchdog) || is(base::ExitCode::peer_lost));
}

bool is_lost(const Witness& witness, const std::string& own_host) {
  if (!witness.record || witness.record->phase == base::Phase::ended) return false;
  // On this host a silent process exists and may only lack processor time. On another host silence is all
  // that a lost process shows.
  return witness.liveness == Liveness::gone ||
         (witness.liveness == Liveness::silent && witness.record->host_name() != own_host);
}

}  // namespace

class Watchdog::Impl {
 public:
  Impl(const sigset_t& signals, base::FlightRecorder& recorder)
      : signals_(signals), recorder_(recorder), timer_({}), thread_([this] { run(); }) {}
  ~Impl() {
    stopping_ = true;
    // Ends the wait of up to 100 ms; run() does not act on it any more.
    pthread_kill(thread_.native_handle(), SIGUSR2);
    thread_.join();
  }
  Impl(const Impl&) = delete;  // owns a thread
  Impl& operator=(const Impl&) = delete;

  void on_signal(std::function<void(int)> handler) {
    const std::lock_guard lock(mutex_);
    handler_ = std::move(handler);
  }
  void watch(const config::Watchdog& deadlines, const std::filesystem::path& flight) {
    const std::lock_guard lock(mutex_);
    timer_ = PhaseTimer(deadlines);
    flight_ = flight;
  }

 private:
  void run();
  int next_signal(std::chrono::nanoseconds limit);
  void take(int signal);
  void dump();
  void terminate();
  void expire(base::Duration deadline, std::string_view key);
  bool another_reports(const std::vector<Witness>& witnesses, std::chrono::milliseconds patience);
  void report(base::ExitCode code, const std::string& line, const std::vector<Witness>& witnesses);
  [[noreturn]] void leave(int code);
  std::vector<Witness> witnesses(std::chrono::milliseconds span);
  std::filesystem::path flight();

  const sigset_t signals_;
  base::EndRequests end_requests_;
  base::FlightRecorder& recorder_;
  std::mutex mutex_;  // guards the three below
  std::function<void(int)> handler_;
  PhaseTimer timer_;
  std::filesystem::path flight_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

// One thread does all in turn: a heartbeat, a look at the phase's deadline, then a wait of 100 ms for a
// signal. Signals are blocked in all threads and taken by sigtimedwait. Code that acts on them runs on this
// thread, outside of any signal handler, and may lock, allocate and write.
void Watchdog::Impl::run() {
  while (!stopping_) {
    recorder_.beat();
    std::optional<base::Duration> deadline;
    std::string_view key;
    {
      const std::lock_guard lock(mutex_);
      deadline = timer_.overdue(recorder_.read(), base::Clock::now());
      key = timer_.key();
    }
    if (deadline) expire(*deadline, key);
    const int signal = next_signal(kHeartbeatInterval);
    if (signal > 0 && !stopping_) take(signal);
  }
}

// 0: none came in time.
int Watchdog::Impl::next_signal(std::chrono::nanoseconds limit) {
  const timespec time{limit / 1s, (limit % 1s).count()};
  return std::max(0, ::sigtimedwait(&signals_, nullptr, &time));
}

void Watchdog::Impl::take(int signal) {
  if (signal == SIGUSR2) return dump();
  if (base::is_end_signal(signal)) {
    // Ranks that have a launcher are asked by it as often as it likes, and ended.
    if (end_requests_.is_another(base::Clock::now()) && recorder_.read().ranks == 1) do_default(signal);
    terminate();
  }
  std::function<void(int)> handler;
  {
    const std::lock_guard lock(mutex_);
    handler = handler_;
  }
  if (handler) return handler(signal);
  do_default(signal);
}

void Watchdog::Impl::dump() {
  const std::filesystem::path flight = this->flight();
  if (flight.empty()) return base::log_warn("SIGUSR2: there is no run directory yet to write the records to");
  try {
    write_records(flight, witnesses(0ms), [this] { recorder_.beat(); });
    base::log_info("SIGUSR2: the flight records are in {}", flight.string());
  } catch (const std::exception& failure) {
    base::log_warn("SIGUSR2: {}", failure.what());
  }
}

// A launcher that has lost a rank ends the others with this signal.
void Watchdog::Impl::terminate() {
  if (flight().empty()) return;
  const std::vector<Witness> all = witnesses(kWatchOnTerm);
  const base::FlightRecord mine = recorder_.read();
  if (const auto failed = std::ranges::find_if(all, has_failed); failed != all.end())
    leave(static_cast<int>(failed->record->exit_code));  // it has said why
  const auto lost =
      std::ranges::find_if(all, [&](const Witness& witness) { return is_lost(witness, mine.host_name()); });
  // All ranks live: the signal is a request to stop, which take() hands on.
  if (lost == all.end()) return;
  if (!another_reports(all, kPatienceOnTerm))
    report(base::ExitCode::peer_lost,
           fmt::format("{} is gone: {}; leaving", name_of(*lost->record), last_activity(*lost->record)), all);
  leave(static_cast<int>(base::ExitCode::peer_lost));
}

// `key`: of the job, which sets this deadline.
void Watchdog::Impl::expire(base::Duration deadline, std::string_view key) {
  // The calls below may block, on a full pipe of the log or a lost file system. That must not keep the job.
  std::signal(SIGALRM, [](int) { ::_exit(static_cast<int>(base::ExitCode::watchdog)); });
  ::alarm(static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(kLongestExpiry).count()));
  const std::vector<Witness> all = witnesses(kWatchOnExpiry);
  if (another_reports(all, kPatienceOnExpiry)) {
    next_signal(kWaitForLauncher);
  } else {
    report(base::ExitCode::watchdog,
           fmt::format("watchdog: {}; {} sets the limit; rank {} has waited for {}",
                       diagnose(all, recorder_.read().rank), key, recorder_.read().rank,
                       base::format_duration(std::chrono::ceil<std::chrono::milliseconds>(deadline))),
           all);
  }
  leave(static_cast<int>(base::ExitCode::watchdog));
}

// The lowest rank that is alive reports for all. If it does not, the others do after a while.
bool Watchdog::Impl::another_reports(const std::vector<Witness>& witnesses,
                                     std::chrono::milliseconds patience) {
  if (std::ranges::any_of(witnesses, has_reported)) return true;
  const auto lowest = std::ranges::find(witnesses, Liveness::alive, &Witness::liveness);
  const base::TimePoint end = base::Clock::now() + patience;
  if (lowest - witnesses.begin() == recorder_.read().rank) return false;
  do {
    if (std::ranges::any_of(this->witnesses(0ms), has_reported)) return true;
    recorder_.beat();
    std::this_thread::sleep_for(50ms);
  } while (base::Clock::now() < end);
  return false;
}

void Watchdog::Impl::report(base::ExitCode code, const std::string& line,
                            const std::vector<Witness>& witnesses) {
  recorder_.end(static_cast<int>(code));  // the others may keep silent
  base::log_error("{}", line);
  if (flight().empty()) return;
  try {
    write_report(flight(), line, witnesses);
  } catch (const std::exception& failure) {
    base::log_error("{}", failure.what());
  }
}

void Watchdog::Impl::leave(int code) {
  // Destructors would wait for the worker and for MPI, which may hang. The record keeps the code for the
  // other ranks.
  recorder_.end(code);
  ::_exit(code);
}

std::vector<Witness> Watchdog::Impl::witnesses(std::chrono::milliseconds span) {
  return witness_ranks(flight(), recorder_, span, [this] { recorder_.beat(); });
}

std::filesystem::path Watchdog::Impl::flight() {
  const std::lock_guard lock(mutex_);
  return flight_;
}

Watchdog::Watchdog(base::FlightRecorder& recorder) : signals_(base::end_signals({SIGUSR1, SIGUSR2})) {
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  impl_ = std::make_unique<Impl>(signals_, recorder);
}

Watchdog::~Watchdog() {
  impl_.reset();
  // The run is over: a signal that arrives now must not make it end as a killed one.
  ::signal(SIGUSR1, SIG_IGN);
  for (const int signal : base::kEndSignals) ::signal(signal, SIG_IGN);
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
}

void Watchdog::on_signal(std::function<void(int)> handler) {
  impl_->on_signal(std::move(handler));
}

void Watchdog::watch(const config::Watchdog& deadlines, const std::filesystem::path& flight) {
  impl_->watch(deadlines, flight);
}

}  // namespace eightfold::runtime::watchdog
