#pragma once

// Files that must not be torn. When these functions return, the bytes are on the disk; a name never stands
// for half a file. All throw EnvironmentError with the path and the system's reason. If a file system cannot
// sync or lock at all, they warn once in the process and go on.

#include "kernels/base/descriptor.hpp"
#include "kernels/base/hash.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace eightfold::base {

// The whole file, or what comes out of a pipe until its end. More than `limit_bytes` are refused, of a file
// before anything is allocated.
std::string read_file(const std::filesystem::path& path, std::size_t limit_bytes);

// An open file that is only read. A symbolic link, a directory or a pipe in its place is refused. Checks and
// reads go through the one open file, whatever happens to the name meanwhile.
class InputFile {
 public:
  explicit InputFile(std::filesystem::path path);

  const std::filesystem::path& path() const noexcept { return path_; }
  std::uint64_t bytes() const noexcept { return bytes_; }  // when it was opened
  // Fills `to` with what stands at `offset`. Fails if the file ends before.
  void read(std::uint64_t offset, std::span<std::byte> to) const;
  // Hash128 of the whole.
  std::string hash() const;

 private:
  std::filesystem::path path_;
  Descriptor descriptor_;
  std::uint64_t bytes_ = 0;
};

// The readers of new files: the owner alone (mode 0600, directories 0700), or all whom the umask admits.
enum class Access { owner, umask };

// A file's contents, to tell later whether they are the same.
struct FileFacts {
  std::uint64_t bytes = 0;
  std::string xxh3_128;  // Hash128
};

// A new file, written front to back. It is complete on disk after close(); without close() it is left as it
// is, for whoever wrote it aside to remove.
class DurableFile {
 public:
  // Fails if the file exists: durable files are written aside under a fresh name and renamed.
  explicit DurableFile(std::filesystem::path path, Access access = Access::owner);

  void write(std::span<const std::byte> bytes);
  // Flushes to the disk (fdatasync), asks the system to forget its own copy, so that who reads it back asks
  // the disk, and closes. Returns what was written.
  FileFacts close();

 private:
  std::filesystem::path path_;
  Descriptor descriptor_;
  std::uint64_t bytes_ = 0;
  Hash128 hash_;
};

// Replaces `path` by a file with these contents, durably: aside, sync, rename, sync of the directory. The
// owner's alone.
void write_file_durably(const std::filesystem::path& path, std::string_view contents);
// The same for others to read: where `path` is a symbolic link, the file it leads to is replaced or made. A
// file that was there keeps its permissions.
void write_output_file(const std::filesystem::path& path, std::string_view contents);

// The file that `path` leads to over symbolic links, whether it is there or not.
std::filesystem::path follow_links(std::filesystem::path path);

// True if an error of syncing or locking means "not supported here" and not "failed": file systems and
// sandboxes have many codes for it.
bool is_unsupported(int error) noexcept;

// Puts what was written to a file on the disk.
void sync_file(const Descriptor& file, const std::filesystem::path& path);
// Makes renames and creations inside a directory durable.
void sync_directory(const std::filesystem::path& directory);

// Creates a directory and its parents, as far as they are new.
void create_directories(const std::filesystem::path& directory, Access access);
void create_private_directories(const std::filesystem::path& directory);
// Creates one directory, private to the user. False if its name is taken: of several processes that try, one
// succeeds.
bool create_private_directory(const std::filesystem::path& directory);

}  // namespace eightfold::base
