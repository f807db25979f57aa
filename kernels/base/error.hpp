#pragma once

// Errors of the whole program. Code that fails throws; nothing below `launch` ends the process. Each type
// stands for what the *user* must look at, and carries the exit code a script sees (docs/errors.md has the
// table). The message is complete by itself: what is wrong, where in the user's input, and what is allowed.

#include <fmt/format.h>

#include <source_location>
#include <stdexcept>
#include <string>

namespace eightfold::base {

enum class ExitCode : int {
  done = 0,
  internal = 1,     // a broken invariant: a defect of this program
  usage = 2,        // command line or config
  environment = 3,  // machine, library, file system
  data = 4,         // data set or checkpoint contents
  peer_lost = 5,
  watchdog = 6,
  divergence = 7,  // loss or replicas went wrong
  requeue = 75,    // checkpointed on a signal: run me again
};

class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message, std::source_location where)
      : std::runtime_error(message), code_(code), where_(where) {}

  ExitCode exit_code() const noexcept { return code_; }
  // The place in this program that noticed, for developers; users are told through what().
  const std::source_location& where() const noexcept { return where_; }

 private:
  ExitCode code_;
  std::source_location where_;
};

// One type per exit code, so that a catch clause reads like the table in docs/errors.md.
template <ExitCode kCode>
class ErrorOf : public Error {
 public:
  explicit ErrorOf(const std::string& message, std::source_location where = std::source_location::current())
      : Error(kCode, message, where) {}
};

using InternalError = ErrorOf<ExitCode::internal>;
using ConfigError = ErrorOf<ExitCode::usage>;
using EnvironmentError = ErrorOf<ExitCode::environment>;
using DataError = ErrorOf<ExitCode::data>;
using DivergenceError = ErrorOf<ExitCode::divergence>;

// A call into a library (MPI, CUDA, oneDNN, the operating system) that returned an error.
class LibraryError : public EnvironmentError {
 public:
  // `call` is the call as written in the source, `code` the library's own number for what went wrong.
  LibraryError(std::string call, int code, const std::string& reason,
               std::source_location where = std::source_location::current())
      : EnvironmentError(fmt::format("{} failed with code {}: {}", call, code, reason), where),
        call_(std::move(call)),
        library_code_(code) {}

  const std::string& call() const noexcept { return call_; }
  int library_code() const noexcept { return library_code_; }

 private:
  std::string call_;
  int library_code_;
};

// The exit code of any exception: an Error's own; environment if the operating system or the memory refused
// something; else internal.
ExitCode exit_code_of(const std::exception& failure) noexcept;
// Its message; for a defect with the place in this program that noticed.
std::string describe(const std::exception& failure);

// A format string that remembers where it was written, so that raise() and require() need no macro.
template <class... Args>
struct LocatedFormat {
  fmt::format_string<Args...> text;
  std::source_location where;

  template <class Text>
  consteval LocatedFormat(
      const Text& format,  // NOLINT(google-explicit-constructor): converts at the call site
      std::source_location location = std::source_location::current())
      : text(format), where(location) {}
};

// Throws ErrorType with a formatted message: raise<DataError>("{}: {} bytes missing", path, count).
template <class ErrorType, class... Args>
[[noreturn]] void raise(LocatedFormat<std::type_identity_t<Args>...> format, Args&&... args) {
  throw ErrorType(fmt::format(format.text, std::forward<Args>(args)...), format.where);
}

// An invariant of this program; a false condition is a defect here, never a user's mistake.
template <class... Args>
void require(bool condition, LocatedFormat<std::type_identity_t<Args>...> format, Args&&... args) {
  if (!condition) raise<InternalError>(format, std::forward<Args>(args)...);
}

}  // namespace eightfold::base
