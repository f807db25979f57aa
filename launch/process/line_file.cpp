#include "launch/process/line_file.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/file_lock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace eightfold::launch::process {
namespace {

constexpr std::size_t kLineFileLimit = std::size_t{1} << 30;

[[noreturn]] void cannot(const char* action, const std::filesystem::path& path) {
  base::raise<base::EnvironmentError>("cannot {} {}: {}", action, path.string(), std::strerror(errno));
}

}  // namespace

LineFile::LineFile(std::filesystem::path path, const std::string& writer, base::Access access)
    : path_(std::move(path)),
      descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                         access == base::Access::owner ? 0600 : 0666)) {
  if (!descriptor_.is_open()) cannot("open", path_);
  switch (base::try_lock(descriptor_, base::Sharing::exclusive, path_)) {
    case base::Lock::taken:
      return;
    case base::Lock::held:
      base::raise<base::EnvironmentError>("{}: another {} is writing to it", path_.string(), writer);
    case base::Lock::unsupported:
      owner_ = std::make_unique<base::OwnerFile>(path_.string() + ".owner", path_.string());
  }
}

std::string LineFile::text() const {
  return base::read_file(path_, kLineFileLimit);
}

void LineFile::cut(std::size_t size) {
  if (::ftruncate(descriptor_.get(), static_cast<off_t>(size)) != 0) cannot("cut", path_);
}

void LineFile::append(const std::string& line) {
  const std::string text = line + "\n";
  // One write for the whole line: a crash can only leave the last line cut short, never two lines mixed.
  const off_t before = ::lseek(descriptor_.get(), 0, SEEK_END);
  ssize_t written = 0;
  do {
    written = ::write(descriptor_.get(), text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  if (written >= 0 && static_cast<std::size_t>(written) != text.size()) {
    [[maybe_unused]] const int done = ::ftruncate(descriptor_.get(), before);  // no line is torn
    errno = ENOSPC;
  }
  if (written < 0 || static_cast<std::size_t>(written) != text.size()) cannot("write", path_);
  base::sync_file(descriptor_, path_);
}

}  // namespace eightfold::launch::process
