#include "kernels/base/process_id.hpp"

#include "kernels/base/parse.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>

namespace eightfold::base {
namespace {

std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

struct Stat {
  char state = '?';
  std::int64_t start = 0;
};

// Of /proc/PID/stat; nothing if there is no such file, or it may not be read.
std::optional<Stat> stat_of(std::int64_t number) {
  constexpr int kFieldsBetween = 18;  // from the state, which is the third, to the start, the 22nd
  const std::string line = first_line(fmt::format("/proc/{}/stat", number));
  const std::size_t name_end = line.rfind(')');  // a name may hold brackets and blanks
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  Stat stat;
  std::string field;
  fields >> stat.state;
  for (int i = 0; i < kFieldsBetween; ++i) fields >> field;
  fields >> field;
  stat.start = parse_integer(field).value_or(0);
  return stat;
}

}  // namespace

std::string random_token() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

ProcessId this_process() {
  ProcessId process;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) process.host = host.data();
  process.kernel = first_line("/proc/sys/kernel/random/boot_id");
  std::error_code unknown;
  process.pid_namespace = std::filesystem::read_symlink("/proc/self/ns/pid", unknown).string();
  process.number = ::getpid();
  if (const auto stat = stat_of(process.number)) process.start = stat->start;
  return process;
}

char state_of(std::int64_t number) {
  const auto stat = stat_of(number);
  return stat ? stat->state : '-';
}

Life life_of(const ProcessId& process) {
  const ProcessId self = this_process();
  if (process.kernel.empty() || process.pid_namespace.empty() || process.kernel != self.kernel ||
      process.pid_namespace != self.pid_namespace || process.number <= 0)
    return Life::unknown;
  if (const auto stat = stat_of(process.number)) {
    const bool has_ended = stat->state == 'Z' || stat->state == 'X';  // waits for its parent to know
    // The kernel gives numbers again; number and time of the start together mean one process.
    return has_ended || stat->start != process.start ? Life::gone : Life::alive;
  }
  // Files of other users' processes may be hidden.
  return ::kill(static_cast<pid_t>(process.number), 0) != 0 && errno == ESRCH ? Life::gone : Life::unknown;
}

}  // namespace eightfold::base
