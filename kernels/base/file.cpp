#include "kernels/base/file.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/process_id.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace eightfold::base {
namespace {

constexpr std::uint64_t kPieceBytes = 1 << 20;

[[noreturn]] void fail(const char* action, const std::filesystem::path& path, int code) {
  raise<EnvironmentError>("cannot {} {}: {}", action, path.string(), std::strerror(code));
}

mode_t file_mode(Access access) {
  return access == Access::owner ? 0600 : 0666;
}

[[noreturn]] void fail_too_large(const std::filesystem::path& path, std::uint64_t bytes, std::size_t limit) {
  raise<EnvironmentError>("cannot read {}: {} bytes, more than the {} allowed here", path.string(), bytes,
                          limit);
}

Descriptor opened_to_read(const std::filesystem::path& path) {
  int number = -1;
  do {
    number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (number < 0 && errno == EINTR);  // of a pipe it waits for who writes
  // A socket, which standard input may be, cannot be opened by a name.
  if (number < 0 && errno == ENXIO && path == "/dev/stdin")
    number = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  return Descriptor(number);
}

// Fills `to` from where the file stands; less only at its end.
std::size_t read_fully(const Descriptor& file, const std::filesystem::path& path, std::span<char> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    const ssize_t got = ::read(file.get(), to.data() + done, to.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read", path, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

// Warns of the guarantee that is missing where a call is not supported, once for each kind of call.
void warn_once(std::atomic_flag& is_said, const char* action, const std::filesystem::path& path, int code,
               const char* consequence) {
  if (!is_said.test_and_set())
    log_warn("cannot {} {}: {}; {}", action, path.string(), std::strerror(code), consequence);
}

std::filesystem::path directory_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

// A file that is there keeps `permissions`.
// At any moment the name leads to all of the old contents or all of the new. The data are synced before the
// rename: otherwise a machine that goes down may keep the new name and lose what it leads to. The directory
// is synced last, for the rename itself.
void replace_file(const std::filesystem::path& path, std::string_view contents, Access access,
                  std::optional<mode_t> permissions) {
  std::filesystem::path aside = path;
  aside += ".tmp-" + random_token();  // containers that share the folder may share process numbers
  DurableFile file(aside, access);
  try {
    file.write(std::as_bytes(std::span(contents)));
    // Not all file systems have permissions to give.
    if (permissions) [[maybe_unused]]
      const int ignored = ::chmod(aside.c_str(), *permissions);
    file.close();
    if (::rename(aside.c_str(), path.c_str()) != 0) fail("rename to", path, errno);
  } catch (...) {
    ::unlink(aside.c_str());
    throw;
  }
  sync_directory(directory_of(path));
}

}  // namespace

std::string read_file(const std::filesystem::path& path, std::size_t limit_bytes) {
  const Descriptor file = opened_to_read(path);
  struct stat facts {};
  if (!file.is_open() || ::fstat(file.get(), &facts) != 0) fail("read", path, errno);
  if (S_ISDIR(facts.st_mode)) fail("read", path, EISDIR);
  const auto size = static_cast<std::uint64_t>(facts.st_size);  // 0 of a pipe, and of files of /proc
  if (size > limit_bytes) fail_too_large(path, size, limit_bytes);
  std::string contents(size, '\0');
  contents.resize(read_fully(file, path, contents));
  std::array<char, 1 << 14> piece{};
  while (const std::size_t got = read_fully(file, path, piece)) {
    contents.append(piece.data(), got);
    if (contents.size() > limit_bytes) fail_too_large(path, contents.size(), limit_bytes);
  }
  return contents;
}

InputFile::InputFile(std::filesystem::path path)
    : path_(std::move(path)),
      // Without O_NONBLOCK a pipe of this name would wait for a writer, before anything could refuse it.
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

DurableFile::DurableFile(std::filesystem::path path, Access access)
    : path_(std::move(path)),
      descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file_mode(access))) {
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
  sync_file(descriptor_, path_);
  // Whoever reads the file back then reads the disk, not the memory that was just written.
  ::posix_fadvise(descriptor_.get(), 0, 0, POSIX_FADV_DONTNEED);  // advice: nothing depends on it
  if (::close(descriptor_.release()) != 0) fail("close", path_, errno);
  return {bytes_, hash_.hex()};
}

void write_file_durably(const std::filesystem::path& path, std::string_view contents) {
  replace_file(path, contents, Access::owner, std::nullopt);
}

void write_output_file(const std::filesystem::path& path, std::string_view contents) {
  const std::filesystem::path target = follow_links(path);
  struct stat facts {};
  const bool is_there = ::stat(target.c_str(), &facts) == 0;
  replace_file(target, contents, Access::umask,
               is_there ? std::optional<mode_t>(facts.st_mode & 0777) : std::nullopt);
}

std::filesystem::path follow_links(std::filesystem::path path) {
  constexpr int kMostLinks = 40;  // as many as the kernel follows
  std::error_code failure;
  for (int links = 0; std::filesystem::is_symlink(std::filesystem::symlink_status(path, failure)); ++links) {
    if (links == kMostLinks) fail("follow", path, ELOOP);
    const std::filesystem::path target = std::filesystem::read_symlink(path, failure);
    if (failure) fail("follow", path, failure.value());
    path = path.parent_path() / target;
  }
  return path;
}

bool is_unsupported(int error) noexcept {
  switch (error) {
    case EINVAL:
    case ENOSYS:
    case EOPNOTSUPP:
    case ENOTTY:
    case ENOLCK:  // of NFS without a lock manager
    case EBADF:   // of a descriptor that is open: not for this kind of file
    case EISDIR:
    case EROFS:
      return true;
    default:
      return false;
  }
}

void sync_file(const Descriptor& file, const std::filesystem::path& path) {
  static std::atomic_flag is_said;
  // The size of the file is synced with the data; its times may be lost.
  if (::fdatasync(file.get()) == 0) return;
  if (!is_unsupported(errno)) fail("sync", path, errno);
  warn_once(is_said, "sync", path, errno, "files here may be lost if the machine goes down");
}

void sync_directory(const std::filesystem::path& directory) {
  static std::atomic_flag is_said;
  const Descriptor descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.is_open() && ::fsync(descriptor.get()) == 0) return;
  // A directory may be written to without being readable.
  const bool is_impossible = descriptor.is_open() ? is_unsupported(errno) : errno == EACCES;
  if (!is_impossible) fail(descriptor.is_open() ? "sync" : "open", directory, errno);
  warn_once(is_said, "sync the directory", directory, errno,
            "names of files made here may be lost if the machine goes down");
}

void create_directories(const std::filesystem::path& directory, Access access) {
  const mode_t mode = access == Access::owner ? 0700 : 0777;
  // Part by part, since mkdir takes the mode: std::filesystem would make them with the umask's, and close
  // them only afterwards.
  std::filesystem::path so_far;
  for (const auto& part : directory) {
    so_far /= part;
    if (so_far.empty() || ::mkdir(so_far.c_str(), mode) == 0 || errno == EEXIST) continue;
    // mkdir says EROFS or EACCES, not EEXIST, for some directories that are there.
    std::error_code ignored;
    if (const int code = errno; !std::filesystem::is_directory(so_far, ignored)) fail("create", so_far, code);
  }
  std::error_code failure;
  if (!directory.empty() && !std::filesystem::is_directory(directory, failure))
    fail("create", directory, ENOTDIR);
}

void create_private_directories(const std::filesystem::path& directory) {
  create_directories(directory, Access::owner);
}

bool create_private_directory(const std::filesystem::path& directory) {
  if (::mkdir(directory.c_str(), 0700) == 0) return true;
  if (errno != EEXIST) fail("create", directory, errno);
  return false;
}

}  // namespace eightfold::base
