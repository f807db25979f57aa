#pragma once

// A file that lines are appended to, each on the disk before the next is begun: whatever ends the process, at
// most the line in progress is torn.

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
  // Opens it, or makes it, for this process alone. Throws EnvironmentError, also if another process has it
  // open like this: then it says that `writer` is writing to it.
  LineFile(std::filesystem::path path, const std::string& writer, base::Access access);

  const std::filesystem::path& path() const noexcept { return path_; }
  // All of it, up to 1 GiB. These throw EnvironmentError.
  std::string text() const;
  // Keeps the first `size` bytes.
  void cut(std::size_t size);
  // `line` without its end. If it does not fit on the disk, nothing of it stays.
  void append(const std::string& line);

 private:
  std::filesystem::path path_;
  base::Descriptor descriptor_;             // with the lock
  std::unique_ptr<base::OwnerFile> owner_;  // where there are no locks
};

}  // namespace eightfold::launch::process
