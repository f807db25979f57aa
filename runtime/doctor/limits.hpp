#pragma once

// The limits of this process, read from /proc/self.

#include "runtime/doctor/root.hpp"

namespace eightfold::runtime::doctor {

struct Limit {
  std::optional<std::uint64_t> bytes;  // nothing: no limit

  bool unlimited() const { return !bytes; }
};

// The soft limit on the line of /proc/self/limits that begins with `name`; nothing if there is no such line.
std::optional<Limit> limit_of(const Root& root, std::string_view name);

// The value of the line "name:\tvalue" of /proc/self/status.
std::optional<std::string> status_line(const Root& root, std::string_view name);

// The numbers in a list such as "0-3,8".
std::optional<std::size_t> count_of_list(std::string_view list);

// The capabilities of Linux that matter here, by their numbers.
enum class Capability { ipc_lock = 14, sys_ptrace = 19 };
// True if this process has it; nothing where the kernel does not say.
std::optional<bool> has_capability(const Root& root, Capability capability);

}  // namespace eightfold::runtime::doctor
