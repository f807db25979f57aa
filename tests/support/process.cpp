#include "tests/support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <system_error>

namespace eightfold::test {
namespace {

namespace fs = std::filesystem;

void check(int code, const char* call) {
  if (code != 0) throw std::system_error(code, std::generic_category(), call);
}

// What the child does between fork and exec.
class FileActions {
 public:
  FileActions() { check(::posix_spawn_file_actions_init(&actions_), "posix_spawn_file_actions_init"); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void open(int descriptor, const char* path, int flags) {
    check(::posix_spawn_file_actions_addopen(&actions_, descriptor, path, flags, 0), "addopen");
  }
  void duplicate(int from, int to) {
    check(::posix_spawn_file_actions_adddup2(&actions_, from, to), "adddup2");
  }
  void change_directory(const fs::path& path) {
    check(::posix_spawn_file_actions_addchdir_np(&actions_, path.c_str()), "addchdir");
  }
  const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

std::vector<std::string> merged_environment(std::map<std::string, std::string> additions) {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    additions.emplace(text.substr(0, equals), text.substr(equals + 1));  // additions come first and stay
  }
  std::vector<std::string> lines;
  for (const auto& [name, value] : additions) lines.push_back(name + "=" + value);
  return lines;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// The parent of a process, from /proc; 0 if it is gone.
pid_t parent_of(const std::string& id) {
  std::ifstream stat("/proc/" + id + "/stat");
  std::string line;
  std::getline(stat, line);
  const std::size_t name_end = line.rfind(')');  // a name may hold anything, also blanks
  return name_end == std::string::npos ? 0 : static_cast<pid_t>(std::stol(line.substr(name_end + 3)));
}

// `root` and all processes below it, parents first.
std::vector<pid_t> family_of(pid_t root) {
  std::multimap<pid_t, pid_t> children;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") == std::string::npos)
      children.emplace(parent_of(name), static_cast<pid_t>(std::stol(name)));
  }
  std::vector<pid_t> family = {root};
  for (std::size_t i = 0; i < family.size(); ++i) {
    const auto [first, last] = children.equal_range(family[i]);
    for (auto child = first; child != last; ++child) family.push_back(child->second);
  }
  return family;
}

}  // namespace

Process::Sink::Sink() : descriptor_(::memfd_create("output", MFD_CLOEXEC)) {
  if (descriptor_ < 0) check(errno, "memfd_create");
}

Process::Sink::~Sink() {
  ::close(descriptor_);
}

std::string Process::Sink::text() const {
  struct stat facts {};
  if (::fstat(descriptor_, &facts) != 0) check(errno, "fstat");
  std::string text(static_cast<std::size_t>(facts.st_size), '\0');
  const ssize_t got = ::pread(descriptor_, text.data(), text.size(), 0);
  if (got < 0) check(errno, "pread");
  text.resize(static_cast<std::size_t>(got));
  return text;
}

Process::Process(const Command& command) {
  FileActions actions;
  actions.open(STDIN_FILENO, "/dev/null", O_RDONLY);
  actions.duplicate(out_.descriptor(), STDOUT_FILENO);
  actions.duplicate(err_.descriptor(), STDERR_FILENO);
  if (!command.directory.empty()) actions.change_directory(command.directory);
  std::vector<std::string> arguments = command.arguments;
  std::vector<std::string> environment = merged_environment(command.environment);
  check(::posix_spawnp(&id_, arguments.at(0).c_str(), actions.get(), nullptr, pointers(arguments).data(),
                       pointers(environment).data()),
        arguments.at(0).c_str());
  watch_ = static_cast<int>(::syscall(SYS_pidfd_open, id_, 0));
  if (watch_ < 0) check(errno, "pidfd_open");
}

Process::~Process() {
  if (!reaped_) {
    kill();
    ::waitpid(id_, nullptr, 0);
  }
  ::close(watch_);
}

void Process::kill() {
  for (const pid_t member : family_of(id_)) ::kill(member, SIGKILL);
}

bool Process::ends_within(std::chrono::milliseconds limit) {
  pollfd watched{watch_, POLLIN, 0};
  return reaped_ || ::poll(&watched, 1, static_cast<int>(limit.count())) == 1;
}

Finished Process::wait(std::chrono::milliseconds limit) {
  Finished finished;
  finished.timed_out = !ends_within(limit);
  if (finished.timed_out) kill();
  int status = 0;
  if (::waitpid(id_, &status, 0) != id_) check(errno, "waitpid");
  reaped_ = true;
  finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  finished.out = out_.text();
  finished.err = err_.text();
  return finished;
}

Finished run(const Command& command, std::chrono::seconds limit) {
  return Process(command).wait(limit * EIGHTFOLD_TEST_PATIENCE);
}

}  // namespace eightfold::test
