// A library for LD_PRELOAD that makes the system calls of a program fail, wait, or be its last. Which ones
// say variables of the environment:
//
//   FAULT_UNDER   only calls on paths that hold this text; without it the library does nothing
//   FAULT_CALLS   of open, write, sync, syncdir (fsync of a directory), rename, mkdir, statvfs, flock:
//                 those that count, separated by commas (all)
//   FAULT_FROM    the first that is hit, counted from 1 in each process (1)
//   FAULT_COUNT   how many are hit; 0: all from the first on (1)
//   FAULT_DO      an error such as ENOSPC; `kill`: SIGKILL before the call; `short`: write one byte alone;
//                 `delay`: sleep 20 ms before it (nothing)
//   FAULT_LOG     a file that gets a line for each call that counts: where a crash could have been
//
// A statvfs that is hit with ENOSPC succeeds and reports that nothing is free.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

namespace {

struct Plan {
  std::string under, calls, action, log;
  long from = 1, count = 1;
};

std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}

// Never destroyed: calls may come while the process ends.
const Plan& plan() {
  static const Plan& plan =
      *new Plan{variable("FAULT_UNDER", ""),
                variable("FAULT_CALLS", "open,write,sync,syncdir,rename,mkdir,statvfs,flock"),
                variable("FAULT_DO", ""),
                variable("FAULT_LOG", ""),
                std::stol(variable("FAULT_FROM", "1")),
                std::stol(variable("FAULT_COUNT", "1"))};
  return plan;
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

bool is_listed(std::string_view list, std::string_view word) {
  while (true) {
    const std::size_t end = list.find(',');
    if (list.substr(0, end) == word) return true;
    if (end == std::string_view::npos) return false;
    list.remove_prefix(end + 1);
  }
}

int error_number(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, int>, 11> kErrors = {{{"ENOSPC", ENOSPC},
                                                                         {"EIO", EIO},
                                                                         {"EDQUOT", EDQUOT},
                                                                         {"EACCES", EACCES},
                                                                         {"EROFS", EROFS},
                                                                         {"ENOENT", ENOENT},
                                                                         {"EFBIG", EFBIG},
                                                                         {"EINVAL", EINVAL},
                                                                         {"ENOSYS", ENOSYS},
                                                                         {"EOPNOTSUPP", EOPNOTSUPP},
                                                                         {"ENOLCK", ENOLCK}}};
  for (const auto& [known, number] : kErrors)
    if (name == known) return number;
  return 0;
}

std::string path_of(int descriptor) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
  return {path.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

void note(long number, const char* call, const std::string& path) {
  static const auto open_file = next<int (*)(const char*, int, ...)>("open");
  static const auto write_to = next<ssize_t (*)(int, const void*, std::size_t)>("write");
  const std::string line = std::to_string(number) + " " + call + " " + path + "\n";
  const int file = open_file(plan().log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0 || write_to(file, line.data(), line.size()) < 0) std::perror("FAULT_LOG");
  ::close(file);
}

// Whether this call is hit. A call that is the last does not return; one that is delayed is no more than
// that.
bool is_hit(const char* call, const std::string& path) {
  static std::atomic<long> calls{0};
  const Plan& asked = plan();
  if (asked.under.empty() || path.find(asked.under) == std::string::npos) return false;
  if (!is_listed(asked.calls, call)) return false;
  const long number = ++calls;
  if (!asked.log.empty()) note(number, call, path);
  if (number < asked.from || (asked.count > 0 && number >= asked.from + asked.count)) return false;
  if (asked.action == "kill") ::kill(::getpid(), SIGKILL);
  if (asked.action != "delay") return !asked.action.empty();
  const timespec pause{0, 20'000'000};
  ::nanosleep(&pause, nullptr);
  return false;
}

// Sets errno if this call is to fail.
bool fails(const char* call, const std::string& path) {
  if (!is_hit(call, path)) return false;
  errno = error_number(plan().action);
  return errno != 0;
}

int open_through(const char* name, const char* path, int flags, va_list more) {
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  if (fails("open", path)) return -1;
  return next<int (*)(const char*, int, ...)>(name)(path, flags, mode);
}

template <class Facts>
int free_space(const char* name, const char* path, Facts* facts) {
  const bool is_failing = fails("statvfs", path);
  if (is_failing && errno != ENOSPC) return -1;
  const int result = next<int (*)(const char*, Facts*)>(name)(path, facts);
  if (is_failing && result == 0) facts->f_bavail = 0;
  return result;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const int result = open_through("open", path, flags, more);
  va_end(more);
  return result;
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const int result = open_through("open64", path, flags, more);
  va_end(more);
  return result;
}

ssize_t write(int descriptor, const void* bytes, std::size_t count) {
  static const auto system_write = next<ssize_t (*)(int, const void*, std::size_t)>("write");
  const bool is_asked = !plan().under.empty();
  if (is_asked && is_hit("write", path_of(descriptor))) {
    if (const int error = error_number(plan().action)) {
      errno = error;
      return -1;
    }
    if (count > 1) count = 1;
  }
  return system_write(descriptor, bytes, count);
}

int fsync(int descriptor) {
  struct stat facts {};
  const bool is_directory = ::fstat(descriptor, &facts) == 0 && S_ISDIR(facts.st_mode);
  return fails(is_directory ? "syncdir" : "sync", path_of(descriptor))
             ? -1
             : next<int (*)(int)>("fsync")(descriptor);
}

int fdatasync(int descriptor) {
  return fails("sync", path_of(descriptor)) ? -1 : next<int (*)(int)>("fdatasync")(descriptor);
}

int flock(int descriptor, int operation) noexcept {
  return fails("flock", path_of(descriptor)) ? -1 : next<int (*)(int, int)>("flock")(descriptor, operation);
}

int rename(const char* from, const char* to) {
  return fails("rename", from) ? -1 : next<int (*)(const char*, const char*)>("rename")(from, to);
}

int mkdir(const char* path, mode_t mode) {
  return fails("mkdir", path) ? -1 : next<int (*)(const char*, mode_t)>("mkdir")(path, mode);
}

int statvfs(const char* path, struct statvfs* facts) {
  return free_space("statvfs", path, facts);
}

int statvfs64(const char* path, struct statvfs64* facts) {
  return free_space("statvfs64", path, facts);
}
}
