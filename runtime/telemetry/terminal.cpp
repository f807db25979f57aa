#include "runtime/telemetry/terminal.hpp"

#include "kernels/base/log.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace eightfold::runtime::telemetry {
namespace {

// Majors of /dev/tty* and /dev/pts/* (Linux, Documentation/admin-guide/devices.txt).
constexpr unsigned kConsoleMajor = 4;
constexpr unsigned kFirstPtsMajor = 136, kLastPtsMajor = 143;

bool is_terminal_device(const struct stat& file) {
  const unsigned device = major(file.st_rdev);
  return S_ISCHR(file.st_mode) &&
         (device == kConsoleMajor || (device >= kFirstPtsMajor && device <= kLastPtsMajor));
}

}  // namespace

bool output_is_watched() {
  if (::isatty(STDOUT_FILENO) != 1) return false;
  if (std::getenv("OMPI_COMM_WORLD_RANK") == nullptr) return true;
  struct stat launcher {};
  return ::stat(fmt::format("/proc/{}/fd/1", ::getppid()).c_str(), &launcher) == 0 &&
         is_terminal_device(launcher);
}

void show(std::string_view text) {
  if (std::ferror(stdout) != 0) return;
  const bool is_taken = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!is_taken || std::fflush(stdout) != 0)
    base::log_warn("cannot write to standard output: {}; the run goes on without", std::strerror(errno));
}

}  // namespace eightfold::runtime::telemetry
