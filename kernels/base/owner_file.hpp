#pragma once

// A file that says which process has something to itself, a folder for example, among all that can reach it:
// on this machine, or on several that share a file system.
//
// Its contents name the owner. Whether that one still lives say, on the machine it runs on, the lock that it
// holds on the file (file_lock.hpp) and its process number. Elsewhere, and where these are not to be had, it
// is the time of the file, which a thread of the owner sets anew every second: it lives if that changes while
// somebody looks on. Clocks of two machines are never compared.
//
// A new owner's file is written under one other name, made with O_EXCL, and renamed: of several processes
// that want the place one gets it, also where there are no locks, and nobody sees half a file.

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

  // Whether the file still names this object. If not, it was removed, or another process has taken this one
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
