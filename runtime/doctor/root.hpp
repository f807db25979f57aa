#pragma once

// The files of a machine, below a directory that stands for its "/". The machine is this one, another one
// with copied /proc and /sys, or a tree that a test built. Paths are the machine's own, "/proc/modules".
// Links are followed unless they lead out of the directory. Files of /proc and /sys may vanish or refuse at
// any time: an unreadable file gives nothing, not an error.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace eightfold::runtime::doctor {

class Root {
 public:
  // Throws ConfigError unless it is a directory with a `proc` or a `sys`.
  explicit Root(const std::filesystem::path& directory = "/");

  // True if it is this machine: the only one whose libraries may be loaded and whose disks have free space.
  bool is_this_machine() const { return directory_ == "/"; }

  bool exists(const std::filesystem::path& path) const;
  // The first 64 KiB of a file.
  std::optional<std::string> read_raw(const std::filesystem::path& path) const;
  // The same without blanks and line ends around them.
  std::optional<std::string> read(const std::filesystem::path& path) const;
  std::optional<std::int64_t> read_integer(const std::filesystem::path& path) const;
  // The names in a directory, sorted; none when it cannot be read.
  std::vector<std::string> list(const std::filesystem::path& path) const;
  // The text of a link, followed or not: "ipc:[4026531839]".
  std::optional<std::string> link(const std::filesystem::path& path) const;
  // The path with its links followed; the path itself if that is not known.
  std::filesystem::path resolve(const std::filesystem::path& path) const;

 private:
  // Its real place, with links followed; nothing if it does not exist or lies outside.
  std::optional<std::filesystem::path> inside(const std::filesystem::path& path) const;

  std::filesystem::path directory_;
};

}  // namespace eightfold::runtime::doctor
