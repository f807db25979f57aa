#pragma once

// Files that must not be torn: whatever these functions wrote is on the disk when they return, and a name
// never stands for half a file. All throw EnvironmentError with the path and the system's reason.

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace eightfold::base {

// The whole file; one larger than `limit_bytes` is refused before anything is allocated.
std::string read_file(const std::filesystem::path& path, std::size_t limit_bytes);

// A new file, written front to back. It is complete on disk after close(); without close() it is left as it
// is, for whoever wrote it aside to remove.
class DurableFile {
 public:
  // Fails if the file exists: durable files are written aside under a fresh name and renamed.
  explicit DurableFile(std::filesystem::path path);
  ~DurableFile();
  DurableFile(const DurableFile&) = delete;  // owns a descriptor
  DurableFile& operator=(const DurableFile&) = delete;

  void write(std::span<const std::byte> bytes);
  // Flushes to the disk (fdatasync) and closes.
  void close();

 private:
  std::filesystem::path path_;
  int descriptor_;
};

// Replaces `path` by a file with these contents, durably: aside, sync, rename, sync of the directory.
void write_file_durably(const std::filesystem::path& path, std::string_view contents);

// Makes renames and creations inside a directory durable.
void sync_directory(const std::filesystem::path& directory);

// Creates a directory and its parents, private to the user (mode 0700) as far as they are new.
void create_private_directories(const std::filesystem::path& directory);
// Creates one directory, private to the user. False if its name is taken: of several processes that try, one
// succeeds.
bool create_private_directory(const std::filesystem::path& directory);

}  // namespace eightfold::base
