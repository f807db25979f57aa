#pragma once

// A directory for the files of one test case, removed with everything in it when the case ends.

#include <filesystem>
#include <string>
#include <string_view>

namespace eightfold::test {

class Scratch {
 public:
  explicit Scratch(const std::filesystem::path& parent = std::filesystem::temp_directory_path());
  ~Scratch();
  Scratch(const Scratch&) = delete;  // two would remove the same directory
  Scratch& operator=(const Scratch&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }
  // A file in it with these contents.
  std::filesystem::path file(const std::filesystem::path& name, std::string_view contents) const;

 private:
  std::filesystem::path path_;
};

// The whole file; throws when it cannot be read.
std::string contents_of(const std::filesystem::path& file);

}  // namespace eightfold::test
