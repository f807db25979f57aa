#include "kernels/base/file.hpp"

#include "kernels/base/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

namespace eightfold::base {
namespace {

constexpr std::uint64_t kPieceBytes = 1 << 20;

[[noreturn]] void fail(const char* action, const std::filesystem::path& path, int code) {
  raise<EnvironmentError>("cannot {} {}: {}", action, path.string(), std::strerror(code));
}

}  // namespace

std::string read_file(const std::filesystem::path& path, std::size_t limit_bytes) {
  std::error_code failure;
  if (std::filesystem::is_directory(path, failure)) fail("read", path, EISDIR);
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) fail("read", path, errno);
  if (file.tellg() < 0) fail("read", path, ESPIPE);
  const auto size = static_cast<std::size_t>(file.tellg());
  if (size > limit_bytes)
    raise<EnvironmentError>("cannot read {}: {} bytes, more than the {} allowed here", path.string(), size,
                            limit_bytes);
  std::string contents(size, '\0');
  file.seekg(0);
  if (!file.read(contents.data(), static_cast<std::streamsize>(size))) fail("read", path, errno);
  return contents;
}

InputFile::InputFile(std::filesystem::path path)
    : path_(std::move(path)),
      descriptor_(::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) {
  if (!descriptor_.is_open() && errno == ELOOP)
    raise<EnvironmentError>("cannot read {}: symbolic links are not followed here", path_.string());
  if (!descriptor_.is_open()) fail("read", path_, errno);
  struct stat facts {};
  if (::fstat(descriptor_.get(), &facts) != 0) fail("read", path_, errno);
  if (!S_ISREG(facts.st_mode))
    raise<EnvironmentError>("cannot read {}: it is not a regular file", path_.string());
  bytes_ = static_cast<std::uint64_t>(facts.st_size);
}

void InputFile::read(std::uint64_t offset, std::span<std::byte> to) const {
  while (!to.empty()) {
    const ssize_t got = ::pread(descriptor_.get(), to.data(), to.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read", path_, errno);
    if (got == 0) raise<EnvironmentError>("cannot read {}: it ends at byte {}", path_.string(), offset);
    offset += static_cast<std::uint64_t>(got);
    to = to.subspan(static_cast<std::size_t>(got));
  }
}

std::string InputFile::hash() const {
  std::vector<std::byte> piece(std::min<std::uint64_t>(bytes_, kPieceBytes));
  Hash128 hash;
  for (std::uint64_t offset = 0; offset < bytes_; offset += piece.size()) {
    piece.resize(std::min<std::uint64_t>(bytes_ - offset, kPieceBytes));
    read(offset, piece);
    hash.update(piece);
  }
  return hash.hex();
}

DurableFile::DurableFile(std::filesystem::path path)
    : path_(std::move(path)),
      descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
  if (!descriptor_.is_open()) fail("create", path_, errno);
}

void DurableFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write", path_, written < 0 ? errno : ENOSPC);
    hash_.update(bytes.first(static_cast<std::size_t>(written)));
    bytes_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

FileFacts DurableFile::close() {
  if (::fdatasync(descriptor_.get()) != 0) fail("sync", path_, errno);
  ::posix_fadvise(descriptor_.get(), 0, 0, POSIX_FADV_DONTNEED);  // advice: nothing depends on it
  if (::close(descriptor_.release()) != 0) fail("close", path_, errno);
  return {bytes_, hash_.hex()};
}

void write_file_durably(const std::filesystem::path& path, std::string_view contents) {
  std::filesystem::path aside = path;
  aside += fmt::format(".tmp-{}", ::getpid());
  DurableFile file(aside);  // of another process of this number, if it is there: not to be removed
  try {
    file.write(std::as_bytes(std::span(contents)));
    file.close();
    if (::rename(aside.c_str(), path.c_str()) != 0) fail("rename to", path, errno);
  } catch (...) {
    ::unlink(aside.c_str());
    throw;
  }
  sync_directory(path.has_parent_path() ? path.parent_path() : std::filesystem::path("."));
}

void sync_directory(const std::filesystem::path& directory) {
  const Descriptor descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.is_open()) fail("open", directory, errno);
  if (::fsync(descriptor.get()) != 0) fail("sync", directory, errno);
}

void create_private_directories(const std::filesystem::path& directory) {
  std::filesystem::path so_far;
  for (const auto& part : directory) {
    so_far /= part;
    if (so_far.empty() || ::mkdir(so_far.c_str(), 0700) == 0 || errno == EEXIST) continue;
    // mkdir says EROFS or EACCES, not EEXIST, for some directories that are there.
    std::error_code ignored;
    if (const int code = errno; !std::filesystem::is_directory(so_far, ignored)) fail("create", so_far, code);
  }
  std::error_code failure;
  if (!directory.empty() && !std::filesystem::is_directory(directory, failure))
    fail("create", directory, ENOTDIR);
}

bool create_private_directory(const std::filesystem::path& directory) {
  if (::mkdir(directory.c_str(), 0700) == 0) return true;
  if (errno != EEXIST) fail("create", directory, errno);
  return false;
}

}  // namespace eightfold::base
