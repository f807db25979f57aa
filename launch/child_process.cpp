#include "launch/child_process.hpp"

#include "kernels/base/clock.hpp"
#include "kernels/base/error.hpp"

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
#include <utility>

namespace eightfold::launch {
namespace {

constexpr std::chrono::seconds kGrace{10};
constexpr off_t kSaidLimit = 1 << 16;
constexpr int kNotStarted = 127;

class Descriptor {
 public:
  Descriptor(int value, const char* call) : value_(value) {
    if (value < 0) throw base::LibraryError(call, errno, std::strerror(errno));
  }
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;  // there are only fresh ones

  int get() const noexcept { return value_; }
  void close() noexcept {
    if (value_ >= 0) ::close(std::exchange(value_, -1));
  }

 private:
  int value_;
};

std::pair<Descriptor, Descriptor> make_pipe() {
  std::array<int, 2> ends = {-1, -1};
  const int result = ::pipe2(ends.data(), O_CLOEXEC);
  return {Descriptor(result < 0 ? result : ends[0], "pipe2"), Descriptor(ends[1], "pipe2")};
}

std::string end_of(int file) {
  struct stat facts {};
  if (::fstat(file, &facts) != 0) return {};
  const off_t begin = std::max<off_t>(0, facts.st_size - kSaidLimit);
  std::string text(static_cast<std::size_t>(facts.st_size - begin), '\0');
  const ssize_t got = ::pread(file, text.data(), text.size(), begin);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  return text;
}

class Child {
 public:
  explicit Child(const std::vector<std::string>& arguments);
  ~Child() {
    if (id_ > 0) end();
  }
  Child(const Child&) = delete;  // owns a process
  Child& operator=(const Child&) = delete;

  enum class Event { over, requested, late };
  Event wait(std::chrono::nanoseconds limit, int request) const;
  // Ends it and what is left of its group; returns its status.
  int end();
  // What a process that is over, and not yet reaped, has left of its group.
  void kill_rest() const { ::kill(-id_, SIGKILL); }
  // Of one that is over.
  int reap();
  std::string said() const { return end_of(said_.get()); }

 private:
  [[noreturn]] void become(char* const* arguments, int parent, int report) const noexcept;

  Descriptor said_{::memfd_create("standard-error", MFD_CLOEXEC), "memfd_create"};
  Descriptor nothing_{::open("/dev/null", O_RDWR | O_CLOEXEC), "open /dev/null"};
  pid_t id_ = -1;
  int watch_ = -1;  // becomes readable when the process ends
};

// Between fork and exec: nothing here allocates.
void Child::become(char* const* arguments, int parent, int report) const noexcept {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kNotStarted);  // it was gone before the line above
  ::dup2(nothing_.get(), STDIN_FILENO);
  ::dup2(nothing_.get(), STDOUT_FILENO);
  ::dup2(said_.get(), STDERR_FILENO);
  ::execvp(arguments[0], arguments);
  const int reason = errno;
  [[maybe_unused]] const ssize_t told = ::write(report, &reason, sizeof reason);
  ::_exit(kNotStarted);
}

Child::Child(const std::vector<std::string>& arguments) {
  std::vector<std::string> copies = arguments;
  std::vector<char*> pointers;
  pointers.reserve(copies.size() + 1);
  for (std::string& each : copies) pointers.push_back(each.data());
  pointers.push_back(nullptr);

  auto [reading, writing] = make_pipe();
  const pid_t parent = ::getpid();
  id_ = ::fork();
  if (id_ < 0) throw base::LibraryError("fork", errno, std::strerror(errno));
  if (id_ == 0) become(pointers.data(), parent, writing.get());
  ::setpgid(id_, id_);  // whoever of the two is first
  writing.close();
  int reason = 0;
  if (::read(reading.get(), &reason, sizeof reason) == sizeof reason) {
    reap();
    base::raise<base::EnvironmentError>("cannot start {}: {}", arguments.front(), std::strerror(reason));
  }
  watch_ = static_cast<int>(::syscall(SYS_pidfd_open, id_, 0));
  if (watch_ < 0) {
    const int code = errno;
    end();
    throw base::LibraryError("pidfd_open", code, std::strerror(code));
  }
}

Child::Event Child::wait(std::chrono::nanoseconds limit, int request) const {
  const base::TimePoint deadline = base::Clock::now() + limit;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - base::Clock::now());
    if (left.count() <= 0) return Event::late;
    std::array<pollfd, 2> watched = {pollfd{watch_, POLLIN, 0}, pollfd{request, POLLIN, 0}};
    if (::poll(watched.data(), watched.size(), static_cast<int>(left.count())) <= 0) continue;
    if (watched[0].revents != 0) return Event::over;
    if (watched[1].revents != 0) return Event::requested;
  }
}

int Child::end() {
  ::kill(-id_, SIGTERM);
  if (watch_ < 0 || wait(kGrace, -1) != Event::over) ::kill(-id_, SIGKILL);
  while (watch_ >= 0 && wait(kGrace, -1) != Event::over) {
  }
  ::kill(-id_, SIGKILL);  // what it has left behind; not reaped, it keeps the group's number
  return reap();
}

int Child::reap() {
  int status = 0;
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
  if (watch_ >= 0) ::close(std::exchange(watch_, -1));
  return status;
}

sigset_t requests() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int each : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, each);
  return signals;
}

}  // namespace

EndRequest::EndRequest() : descriptor_(-1) {
  const sigset_t signals = requests();
  descriptor_ = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor_ < 0) throw base::LibraryError("signalfd", errno, std::strerror(errno));
  ::sigprocmask(SIG_BLOCK, &signals, &before_);
}

EndRequest::~EndRequest() {
  signal();  // one that came is answered
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
  ::close(descriptor_);
}

std::optional<int> EndRequest::signal() {
  signalfd_siginfo facts{};
  while (::read(descriptor_, &facts, sizeof facts) == sizeof facts)
    if (!signal_) signal_ = static_cast<int>(facts.ssi_signo);
  return signal_;
}

ChildEnd run_child(const std::vector<std::string>& arguments, std::chrono::nanoseconds limit,
                   EndRequest& request) {
  Child child(arguments);
  ChildEnd end;
  switch (child.wait(limit, request.descriptor())) {
    case Child::Event::over: {
      child.kill_rest();  // a launcher that was killed leaves its ranks behind
      const int status = child.reap();
      end.how = WIFEXITED(status) ? ChildEnd::How::exited : ChildEnd::How::killed;
      end.code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
      break;
    }
    case Child::Event::requested:
      end.how = ChildEnd::How::interrupted;
      child.end();
      break;
    case Child::Event::late:
      end.how = ChildEnd::How::timed_out;
      child.end();
      break;
  }
  end.said = child.said();
  return end;
}

}  // namespace eightfold::launch
