#include "runtime/telemetry/terminal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdlib>

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

}  // namespace eightfold::runtime::telemetry
