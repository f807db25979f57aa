#include "launch/results_file.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/log.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace eightfold::launch {
namespace {

constexpr std::size_t kFileLimit = std::size_t{1} << 30;

[[noreturn]] void cannot(const char* action, const std::filesystem::path& path) {
  base::raise<base::EnvironmentError>("cannot {} {}: {}", action, path.string(), std::strerror(errno));
}

}  // namespace

ResultsFile::ResultsFile(std::filesystem::path path)
    : path_(std::move(path)),
      descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
  if (descriptor_ < 0) cannot("open", path_);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  const int reason = errno;
  ::close(std::exchange(descriptor_, -1));
  if (reason == EWOULDBLOCK)
    base::raise<base::EnvironmentError>("{}: another scale run is writing to it", path_.string());
  errno = reason;
  cannot("lock", path_);
}

ResultsFile::~ResultsFile() {
  ::close(descriptor_);
}

std::vector<runtime::scale::Measurement> ResultsFile::recover() {
  base::sync_directory(path_.has_parent_path() ? path_.parent_path() : std::filesystem::path("."));
  std::vector<runtime::scale::Measurement> measurements = runtime::scale::read_measurements(path_);
  const std::string text = base::read_file(path_, kFileLimit);
  const std::size_t complete = text.rfind('\n') + 1;  // 0 where there is no end of a line
  const std::string_view torn = std::string_view(text).substr(complete);
  if (torn.empty()) return measurements;
  const std::string_view start = runtime::scale::kMeasurementStart;
  if (torn.substr(0, start.size()) != start.substr(0, torn.size()))
    base::raise<base::DataError>("{}: the last line is no result of scale run", path_.string());
  if (::ftruncate(descriptor_, static_cast<off_t>(complete)) != 0) cannot("cut", path_);
  base::log_warn("{}: the last line was torn, its {} bytes are cut off; what it was of is measured again",
                 path_.string(), torn.size());
  return measurements;
}

void ResultsFile::append(const runtime::scale::Measurement& measurement) {
  const std::string line = measurement_line(measurement) + "\n";
  const ssize_t written = ::write(descriptor_, line.data(), line.size());
  if (written >= 0 && static_cast<std::size_t>(written) != line.size()) errno = ENOSPC;
  if (written < 0 || static_cast<std::size_t>(written) != line.size()) cannot("write", path_);
  if (::fsync(descriptor_) != 0) cannot("sync", path_);
}

}  // namespace eightfold::launch
