#include "launch/process/child_process.hpp"

#include "kernels/base/clock.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/signals.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace eightfold::launch::process {
namespace {

constexpr std::chrono::seconds kGrace{10};
// A launcher ends soon after its ranks. One that waits for a host that is cut off may take a quarter of an
// hour, until TCP gives up.
constexpr std::chrono::seconds kLook{1}, kFarewell{5};
// Twelve days, within the 32 bits that poll takes; callers poll again.
constexpr std::chrono::milliseconds kLongestPoll{1 << 30};
constexpr off_t kErrorOutputLimit = 1 << 16;
constexpr int kNotStarted = 127;

// The descriptor that `call` has returned. Throws LibraryError.
base::Descriptor opened(int descriptor, const char* call) {
  if (descriptor < 0) throw base::LibraryError(call, errno, std::strerror(errno));
  return base::Descriptor(descriptor);
}

// The reading and the writing end; `flags` for the reading one.
std::pair<base::Descriptor, base::Descriptor> make_pipe(int flags) {
  std::array<int, 2> ends = {-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw base::LibraryError("pipe2", errno, std::strerror(errno));
  if (flags != 0) ::fcntl(ends[0], F_SETFL, flags);
  return {base::Descriptor(ends[0]), base::Descriptor(ends[1])};
}

std::string end_of(int file) {
  struct stat facts {};
  if (::fstat(file, &facts) != 0) return {};
  const off_t begin = std::max<off_t>(0, facts.st_size - kErrorOutputLimit);
  std::string text(static_cast<std::size_t>(facts.st_size - begin), '\0');
  const ssize_t got = ::pread(file, text.data(), text.size(), begin);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  return text;
}

// Milliseconds until the deadline, as poll takes them; 0 if it has passed.
int poll_time(base::TimePoint deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - base::Clock::now());
  return static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), kLongestPoll).count());
}

void write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // the reader is gone
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Forwards a child's standard error to this process's own and keeps its end.
class PassedError {
 public:
  int writing_end() const noexcept { return ends_.second.get(); }
  int reading_end() const noexcept { return ends_.first.get(); }
  void close_writing_end() noexcept { ends_.second.close(); }

  // Forwards the bytes that have arrived, without waiting for more.
  void pass_on() {
    std::array<char, 1 << 14> part{};
    ssize_t got = 0;
    while ((got = ::read(ends_.first.get(), part.data(), part.size())) > 0) {
      const std::string_view text(part.data(), static_cast<std::size_t>(got));
      write_all(STDERR_FILENO, text);
      end_ += text;
      // Cut at twice the limit only, so that long output is not moved with every piece that arrives.
      if (end_.size() > 2 * kErrorOutputLimit) end_.erase(0, end_.size() - kErrorOutputLimit);
    }
    if (got == 0) ends_.first.close();  // a pipe at its end is always readable
  }
  const std::string& end() const noexcept { return end_; }

 private:
  std::pair<base::Descriptor, base::Descriptor> ends_ = make_pipe(O_NONBLOCK);
  std::string end_;
};

class Child {
 public:
  // The end of standard error is kept; passed_on: standard output and error are this process's own as well.
  enum class Output { kept, passed_on };
  Child(const std::vector<std::string>& arguments, Output output);
  ~Child() {
    if (!is_running()) return;
    ask();
    end(base::Clock::now() + kGrace);
  }
  Child(const Child&) = delete;  // owns a process
  Child& operator=(const Child&) = delete;

  enum class Event { over, requested, late };
  Event wait(std::chrono::nanoseconds limit, int request);
  // Sends to the program alone, not to its group.
  void signal(int number) const { ::kill(id_, number); }
  // True until its end has been seen.
  bool is_running() const { return id_ > 0; }
  // Asks the program and its group to end.
  void ask() const { ::kill(-id_, SIGTERM); }
  // Ends the program that was asked, by force from `deadline` on, and the rest of its group. Returns the
  // program's status.
  int end(base::TimePoint deadline);
  // Kills the rest of the group of a program that has ended and is not yet reaped.
  void kill_rest() const { ::kill(-id_, SIGKILL); }
  // Returns the status of a program that has ended.
  int reap();
  std::string error_output() {
    if (!passed_) return end_of(error_file_.get());
    passed_->pass_on();
    return passed_->end();
  }

 private:
  [[noreturn]] void become(char* const* arguments, int parent, int report) const noexcept;

  // A file and not a pipe: the child never waits for a reader, and its output can be read after its end.
  base::Descriptor error_file_ = opened(::memfd_create("standard-error", MFD_CLOEXEC), "memfd_create");
  std::unique_ptr<PassedError> passed_;
  base::Descriptor nothing_ = opened(::open("/dev/null", O_RDWR | O_CLOEXEC), "open /dev/null");
  pid_t id_ = -1;
  base::Descriptor watch_;  // becomes readable when the process ends
};

// Between fork and exec: nothing here allocates.
void Child::become(char* const* arguments, int parent, int report) const noexcept {
  // Blocked signals stay blocked through exec. The program could then not be asked to end.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setpgid(0, 0);
  base::restore_output_signals();
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kNotStarted);  // the parent ended before the line above
  ::dup2(nothing_.get(), STDIN_FILENO);
  if (!passed_) ::dup2(nothing_.get(), STDOUT_FILENO);
  ::dup2(passed_ ? passed_->writing_end() : error_file_.get(), STDERR_FILENO);
  ::execvp(arguments[0], arguments);
  const int reason = errno;
  [[maybe_unused]] const ssize_t told = ::write(report, &reason, sizeof reason);
  ::_exit(kNotStarted);
}

Child::Child(const std::vector<std::string>& arguments, Output output)
    : passed_(output == Output::passed_on ? std::make_unique<PassedError>() : nullptr) {
  std::vector<std::string> copies = arguments;
  std::vector<char*> pointers;
  pointers.reserve(copies.size() + 1);
  for (std::string& each : copies) pointers.push_back(each.data());
  pointers.push_back(nullptr);

  auto [reading, writing] = make_pipe(0);
  const pid_t parent = ::getpid();
  id_ = ::fork();
  if (id_ < 0) throw base::LibraryError("fork", errno, std::strerror(errno));
  if (id_ == 0) become(pointers.data(), parent, writing.get());
  ::setpgid(id_, id_);  // parent and child both call it, whichever comes first
  writing.close();
  if (passed_) passed_->close_writing_end();
  // A successful exec closes the other end. So this read returns at once, with the reason or with nothing.
  int reason = 0;
  if (::read(reading.get(), &reason, sizeof reason) == sizeof reason) {
    reap();
    base::raise<base::EnvironmentError>("cannot start {}: {}", arguments.front(), std::strerror(reason));
  }
  watch_ = base::Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, id_, 0)));
  if (!watch_.is_open()) {
    const int code = errno;
    ask();
    end(base::Clock::now() + kGrace);
    throw base::LibraryError("pidfd_open", code, std::strerror(code));
  }
}

Child::Event Child::wait(std::chrono::nanoseconds limit, int request) {
  const base::TimePoint deadline = base::Clock::now() + limit;
  while (true) {
    const auto left = poll_time(deadline);
    std::array<pollfd, 3> watched = {pollfd{watch_.get(), POLLIN, 0}, pollfd{request, POLLIN, 0},
                                     pollfd{passed_ ? passed_->reading_end() : -1, POLLIN, 0}};
    const int ready = ::poll(watched.data(), watched.size(), left);
    if (ready == 0 && left == 0) return Event::late;
    if (ready <= 0) continue;
    if (watched[2].revents != 0) passed_->pass_on();
    if (watched[0].revents != 0) return Event::over;
    if (watched[1].revents != 0) return Event::requested;
  }
}

int Child::end(base::TimePoint deadline) {
  if (!watch_.is_open() || wait(deadline - base::Clock::now(), -1) != Event::over) ::kill(-id_, SIGKILL);
  while (watch_.is_open() && wait(kGrace, -1) != Event::over) {
  }
  ::kill(-id_, SIGKILL);  // the rest of the group, whose number is not reused before reap()
  return reap();
}

int Child::reap() {
  int status = 0;
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
  watch_.close();
  return status;
}

// The end of a program that ended by itself or by a signal.
ChildEnd outcome_of(Child& child) {
  child.kill_rest();  // a launcher that was killed leaves its ranks behind
  const int status = child.reap();
  ChildEnd end;
  end.how = WIFEXITED(status) ? ChildEnd::How::exited : ChildEnd::How::killed;
  end.code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
  end.error_output = child.error_output();
  return end;
}

// Adopts orphaned descendants of the child, such as ranks, which have groups of their own, and kills them at
// the end: none may run beside the next attempt.
class OrphanKeeper {
 public:
  OrphanKeeper() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
  ~OrphanKeeper() {
    for (pid_t each = first(); each > 0; each = first()) {
      ::kill(each, SIGKILL);
      while (::waitpid(each, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  }
  OrphanKeeper(const OrphanKeeper&) = delete;  // one subreaper at a time
  OrphanKeeper& operator=(const OrphanKeeper&) = delete;

 private:
  // The first child of this process; 0 if it has none.
  static pid_t first() {
    std::ifstream children(fmt::format("/proc/self/task/{}/children", ::getpid()));
    pid_t id = 0;
    children >> id;
    return id;
  }
};

ChildEnd end_early(Child& child, ChildEnd::How how) {
  child.ask();
  child.end(base::Clock::now() + kGrace);
  return {how, 0, child.error_output()};
}

// Programs that run at once. Those that do not end by themselves are all asked before one is waited for, so
// that they share one time of grace, also where one of them could not be started.
class Children {
 public:
  Children() = default;
  ~Children() { end_all(); }
  Children(const Children&) = delete;  // owns processes
  Children& operator=(const Children&) = delete;

  void start(const std::vector<std::string>& arguments) {
    all_.push_back(std::make_unique<Child>(arguments, Child::Output::kept));
  }

  std::vector<ChildEnd> run(base::TimePoint deadline, const EndRequest& request) {
    std::vector<std::optional<ChildEnd>> ends;
    ChildEnd::How how = ChildEnd::How::timed_out;
    for (const auto& child : all_) {
      const Child::Event event = child->wait(deadline - base::Clock::now(), request.descriptor());
      if (event == Child::Event::requested) how = ChildEnd::How::interrupted;
      ends.push_back(event == Child::Event::over ? std::optional(outcome_of(*child)) : std::nullopt);
    }
    end_all();
    std::vector<ChildEnd> result;
    for (std::size_t i = 0; i < all_.size(); ++i)
      result.push_back(ends[i] ? std::move(*ends[i]) : ChildEnd{how, 0, all_[i]->error_output()});
    return result;
  }

 private:
  void end_all() {
    for (const auto& child : all_)
      if (child->is_running()) child->ask();
    const base::TimePoint deadline = base::Clock::now() + kGrace;
    for (const auto& child : all_)
      if (child->is_running()) child->end(deadline);
  }

  std::vector<std::unique_ptr<Child>> all_;
};

}  // namespace

EndRequest::EndRequest(std::initializer_list<int> also) {
  const sigset_t signals = base::end_signals(also);
  descriptor_ = opened(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
  ::sigprocmask(SIG_BLOCK, &signals, &before_);
}

EndRequest::~EndRequest() {
  signal();  // takes a pending signal, which has been answered
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

bool EndRequest::comes_within(std::chrono::nanoseconds limit) const {
  const base::TimePoint deadline = base::Clock::now() + limit;
  while (true) {
    const int left = poll_time(deadline);
    pollfd watched{descriptor_.get(), POLLIN, 0};
    const int ready = ::poll(&watched, 1, left);
    if (ready > 0) return true;
    if (ready == 0 && left == 0) return false;
  }
}

std::optional<int> EndRequest::signal() {
  signalfd_siginfo facts{};
  while (::read(descriptor_.get(), &facts, sizeof facts) == sizeof facts)
    if (!signal_) signal_ = static_cast<int>(facts.ssi_signo);
  return signal_;
}

ChildEnd run_child(const std::vector<std::string>& arguments, std::chrono::nanoseconds limit,
                   EndRequest& request) {
  return std::move(run_children({arguments}, limit, request).front());
}

// All are started before one is waited for, so that they share one deadline.
std::vector<ChildEnd> run_children(const std::vector<std::vector<std::string>>& commands,
                                   std::chrono::nanoseconds limit, EndRequest& request) {
  const base::TimePoint deadline = base::Clock::now() + limit;
  Children children;
  for (const std::vector<std::string>& each : commands) children.start(each);
  return children.run(deadline, request);
}

// The first request asks the job to write a checkpoint, the next one ends it. Once is_over() says that the
// ranks have left, the launcher has kFarewell to do the same. Otherwise the next attempt would wait for it.
ChildEnd supervise_child(const std::vector<std::string>& arguments, EndRequest& request,
                         const std::function<bool()>& is_over) {
  base::ignore_output_signals();  // the work goes on when the reader of its output is gone
  const OrphanKeeper orphans;
  Child child(arguments, Child::Output::passed_on);
  std::optional<base::TimePoint> over_since;
  bool was_asked = false;
  for (base::EndRequests requests;;) {
    switch (child.wait(kLook, request.descriptor())) {
      case Child::Event::over:
        return outcome_of(child);
      case Child::Event::requested:
        request.signal();  // reads the signal, so that descriptor() waits for the next one
        if (requests.is_another(base::Clock::now())) return end_early(child, ChildEnd::How::interrupted);
        if (!std::exchange(was_asked, true)) child.signal(SIGUSR1);
        break;
      case Child::Event::late:
        if (!over_since && is_over()) over_since = base::Clock::now();
        if (over_since && base::Clock::now() - *over_since >= kFarewell)
          return end_early(child, ChildEnd::How::hung);
        break;
    }
  }
}

}  // namespace eightfold::launch::process
