#pragma once

// A file to which lines are appended. Each line is on the disk before the next is begun, so that a crash
// tears at most the line in progress.

#include "kernels/base/descriptor.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/owner_file.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace eightfold::launch::process {

class LineFile {
 public:
  // Opens or makes the file for this process alone. Throws EnvironmentError; if another process has it open
  // like this, the error says that `writer` is writing to it.
  LineFile(std::filesystem::path path, const std::string& writer, base::Access access);

  const std::filesystem::path& path() const noexcept { return path_; }
  // The whole file, up to 1 GiB. This and the members below throw EnvironmentError.
  std::string text() const;
  // Keeps the first `size` bytes.
  void cut(std::size_t size);
  // Appends `line` and its end. If it does not fit on the disk, none of it stays.
  void append(const std::string& line);

 private:
  std::filesystem::path path_;
  base::Descriptor descriptor_;             // with the lock
  std::unique_ptr<base::OwnerFile> owner_;  // where there are no locks
};

}  // namespace eightfold::launch::process
