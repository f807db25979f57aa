#include "kernels/base/owner_file.hpp"

#include "kernels/base/clock.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/file_lock.hpp"
#include "kernels/base/json.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"
#include "kernels/base/process_id.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

namespace eightfold::base {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSizeLimit = 4096;
constexpr std::chrono::milliseconds kGlance{10};

[[noreturn]] void fail(const char* action, const fs::path& path, int code) {
  raise<EnvironmentError>("cannot {} {}: {}", action, path.string(), std::strerror(code));
}

std::string read_all(const Descriptor& file, const fs::path& path) {
  std::string text(kSizeLimit, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::pread(file.get(), text.data() + size, text.size() - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ESTALE) break;  // removed meanwhile
    if (got < 0) fail("read", path, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

// Other machines see it, too, when this returns.
void write_all(const Descriptor& file, std::string_view text, const fs::path& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write", path, written < 0 ? errno : ENOSPC);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  sync_file(file, path);
}

// The file's text about this process; the line about the lock comes last.
nlohmann::ordered_json description(const std::string& token) {
  const ProcessId self = this_process();
  return {{"host", self.host},
          {"process", self.number},
          {"since", utc_stamp()},
          {"kernel", self.kernel},
          {"pid_namespace", self.pid_namespace},
          {"start", self.start},
          {"token", token}};
}

// Signals are other threads' to take.
template <class Body>
std::jthread thread_without_signals(Body body) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::jthread thread;
  try {
    thread = std::jthread(std::move(body));
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

struct OwnerFile::Owner {
  ProcessId process;
  std::string since, token;
  bool is_locked = false;

  // Nothing for a text that is no owner's.
  static std::optional<Owner> parse(const fs::path& path, const std::string& text) {
    try {
      const nlohmann::json json = parse_strict(path.string(), text);
      const auto number = [&](const char* key) { return json_integer<std::int64_t>(json.at(key), key, 0); };
      return Owner{{json.at("host").get<std::string>(), json.at("kernel").get<std::string>(),
                    json.at("pid_namespace").get<std::string>(), number("process"), number("start")},
                   json.at("since").get<std::string>(),
                   json.at("token").get<std::string>(),
                   json.at("locked").get<bool>()};
    } catch (const DataError&) {
      return std::nullopt;
    } catch (const nlohmann::json::exception&) {
      return std::nullopt;
    }
  }

  std::string describe() const {
    return fmt::format("process {} on {}, since {}", process.number, process.host, since);
  }
};

// A file found under the name.
struct OwnerFile::Sight {
  Descriptor file;  // none: there was nothing
  ino_t inode = 0;
  timespec time{};
  std::string text;
  std::optional<Owner> owner;

  // The text is compared too: a new file may get the number of one that was removed.
  bool is_of_same_file(const Sight& other) const {
    return file.is_open() == other.file.is_open() && inode == other.inode && text == other.text;
  }
  bool has_time_of(const Sight& other) const {
    return time.tv_sec == other.time.tv_sec && time.tv_nsec == other.time.tv_nsec;
  }
  std::string describe() const { return owner ? owner->describe() : "a process that it does not name"; }

  // Lock and number have to agree: the file may be a copy, or locks another machine's affair.
  Life life(const fs::path& path) const {
    if (!owner || owner->process.kernel.empty() || owner->process.kernel != this_process().kernel)
      return Life::unknown;
    const Life by_number = life_of(owner->process);
    const Lock lock = owner->is_locked ? try_lock(file, Sharing::shared, path) : Lock::unsupported;
    if (lock == Lock::unsupported) return by_number;
    const Life by_lock = lock == Lock::held ? Life::alive : Life::gone;
    return by_number == Life::unknown || by_number == by_lock ? by_lock : Life::unknown;
  }
};

OwnerFile::Sight OwnerFile::look(const fs::path& path) {
  Sight sight;
  // Opened anew each time: that is when a network file system asks its server.
  sight.file = Descriptor(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!sight.file.is_open()) {
    if (errno != ENOENT && errno != ESTALE) fail("open", path, errno);
    return sight;
  }
  struct stat facts {};
  if (::fstat(sight.file.get(), &facts) != 0) fail("read", path, errno);
  if (!S_ISREG(facts.st_mode))
    raise<EnvironmentError>("cannot read {}: it is not a regular file", path.string());
  sight.inode = facts.st_ino;
  sight.time = facts.st_mtim;
  sight.text = read_all(sight.file, path);
  sight.owner = Owner::parse(path, sight.text);
  return sight;
}

OwnerFile::OwnerFile(fs::path path, std::string what, OwnerTimes times)
    : path_(std::move(path)), what_(std::move(what)), times_(times), token_(random_token()) {
  take();
  try {
    heartbeat_thread_ = thread_without_signals([this](const std::stop_token& end) { beat(end); });
  } catch (const std::system_error& failure) {
    ::unlink(path_.c_str());
    raise<EnvironmentError>("cannot start a thread that keeps {} fresh: {}", path_.string(), failure.what());
  }
}

OwnerFile::~OwnerFile() {
  heartbeat_thread_ = {};
  try {
    if (is_mine()) ::unlink(path_.c_str());
  } catch (const std::exception& failure) {
    log_warn("{} stays behind: {}", path_.string(), failure.what());
  }
}

bool OwnerFile::is_mine() const {
  const Sight sight = look(path_);
  return sight.owner && sight.owner->token == token_;
}

// An applicant looks at the file, decides whether its owner is gone, and puts its own file in that place.
// Each step checks that the file is still the one that was looked at. If not, somebody else was faster, and
// the round begins anew.
void OwnerFile::take() {
  while (true) {
    const Sight before = look(path_);
    if (before.file.is_open() && !is_gone(before)) continue;
    if (!install(before)) continue;
    if (before.file.is_open()) log_info("{}: taken over from {}, which is gone", what_, before.describe());
    return;
  }
}

// False if the file has become another one while it was looked at.
bool OwnerFile::is_gone(const Sight& sight) const {
  const TimePoint start = Clock::now();
  bool has_said = false;
  while (true) {
    const Sight now = look(path_);
    if (!now.is_of_same_file(sight)) return false;
    const Life life = now.has_time_of(sight) ? now.life(path_) : Life::alive;
    if (life == Life::alive)
      raise<InUseError>("{}: in use by {}; one process at a time writes there, let that one end first", what_,
                        sight.describe());
    if (life == Life::gone) return true;
    if (Clock::now() - start >= times_.silence) {
      log_warn("{}: no sign of life, for {}, of {}", what_, format_duration(times_.silence),
               sight.describe());
      return true;
    }
    if (!std::exchange(has_said, true))
      log_info("{}: waits, up to {}, for a sign of life of {}", what_, format_duration(times_.silence),
               sight.describe());
    std::this_thread::sleep_for(std::min(times_.beat, 10 * kGlance));
  }
}

// Puts a file of this process in the place of `before`. False if that is no longer there, or another process
// is about to do the same.
bool OwnerFile::install(const Sight& before) {
  fs::path next = path_;
  next += ".next";
  nlohmann::ordered_json self = description(token_);  // all but writing it down takes place before
  Descriptor file(::open(next.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.is_open() && errno != EEXIST) fail("create", next, errno);
  if (!file.is_open()) {
    clear_away(next);
    return false;
  }
  try {
    // The lock is taken before the text says so: no other process locks a file that names no owner yet.
    self["locked"] = try_lock(file, Sharing::exclusive, next) == Lock::taken;
    write_all(file, json_page(self), next);
    if (!look(path_).is_of_same_file(before)) {
      ::unlink(next.c_str());
      return false;
    }
    // If it is gone, another process has taken this one for dead, or the answer of a server was lost.
    if (::rename(next.c_str(), path_.c_str()) != 0 && errno != ENOENT) fail("rename to", path_, errno);
  } catch (...) {
    ::unlink(next.c_str());
    throw;
  }
  if (!is_mine()) return false;
  descriptor_ = std::move(file);
  return true;
}

// Whoever makes this file renames it in no time, or was killed over it. One that is merely slow finds out.
void OwnerFile::clear_away(const fs::path& next) const {
  const Sight first = look(next);
  for (const TimePoint start = Clock::now(); Clock::now() - start < times_.rename;) {
    const Sight now = look(next);
    if (!now.file.is_open() || now.inode != first.inode) return;
    if (now.life(next) == Life::gone) break;
    std::this_thread::sleep_for(kGlance);
  }
  ::unlink(next.c_str());
}

void OwnerFile::beat(const std::stop_token& end) const {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  bool has_failed = false;
  while (!never.wait_for(lock, end, times_.beat, [&] { return end.stop_requested(); })) {
    // By the open file: after a takeover the name leads to the file of another process. That one must not
    // look alive because of this process.
    if (::futimens(descriptor_.get(), nullptr) == 0 || std::exchange(has_failed, true)) continue;
    log_warn("{}: cannot set the time of {}: {}; other machines will take this process for gone", what_,
             path_.string(), std::strerror(errno));
  }
}

}  // namespace eightfold::base
