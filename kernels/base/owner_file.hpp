#pragma once

// A file that names the one process that owns something, a folder for example. It holds among all processes
// that reach the file, on this machine or on several that share a file system.
//
// Its contents name the owner. On the owner's machine its lock on the file (file_lock.hpp) and its process
// number tell whether it lives. Elsewhere, and where these are missing, the file's time tells, which a
// heartbeat thread of the owner renews every second. The owner lives if the time changes while somebody
// watches. Clocks of two machines are never compared.
//
// A new owner's file is made under one other name with O_EXCL, written and renamed. So one of several
// applicants gets the place, even without locks, and nobody sees half a file.

#include "kernels/base/descriptor.hpp"
#include "kernels/base/error.hpp"

#include <chrono>
#include <filesystem>
#include <stop_token>
#include <string>
#include <thread>

namespace eightfold::base {

// Another process has it, and lives. The message names that process.
struct InUseError : EnvironmentError {
  using EnvironmentError::EnvironmentError;
};

struct OwnerTimes {
  std::chrono::milliseconds beat{1'000};      // between two signs of life
  std::chrono::milliseconds silence{30'000};  // so long without any: the owner is gone
  std::chrono::milliseconds rename{1'000};  // so long is a file that is to become the owner's in nobody's way
};

class OwnerFile {
 public:
  // Makes this process the owner. The place of one that is gone is taken over, and the log says so. `what` is
  // had, in the words of messages. Throws InUseError, at once or after a few seconds, and EnvironmentError
  // where no file can be made at `path`.
  OwnerFile(std::filesystem::path path, std::string what, OwnerTimes times = {});
  // Removes the file, unless it is another's by now.
  ~OwnerFile();
  OwnerFile(const OwnerFile&) = delete;  // its thread refers to it
  OwnerFile& operator=(const OwnerFile&) = delete;

  // True if the file still names this object. If not, it was removed, or another process has taken this one
  // for gone. Any thread. Throws EnvironmentError when it cannot be read.
  bool is_mine() const;

 private:
  struct Owner;
  struct Sight;

  static Sight look(const std::filesystem::path& path);
  void take();
  bool is_gone(const Sight& sight) const;
  bool install(const Sight& before);
  void clear_away(const std::filesystem::path& next) const;
  void beat(const std::stop_token& end) const;

  std::filesystem::path path_;
  std::string what_;
  OwnerTimes times_;
  std::string token_;  // no two objects of any process have the same
  Descriptor descriptor_;
  std::jthread heartbeat_thread_;  // last: it uses the others
};

}  // namespace eightfold::base
