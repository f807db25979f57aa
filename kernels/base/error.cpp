#include "kernels/base/error.hpp"

#include <new>
#include <system_error>

namespace eightfold::base {

ExitCode exit_code_of(const std::exception& failure) noexcept {
  if (const auto* error = dynamic_cast<const Error*>(&failure)) return error->exit_code();
  // The machine refuses memory, a thread or a file: that is no defect of the program.
  const bool refused = dynamic_cast<const std::bad_alloc*>(&failure) != nullptr ||
                       dynamic_cast<const std::system_error*>(&failure) != nullptr;
  return refused ? ExitCode::environment : ExitCode::internal;
}

std::string describe(const std::exception& failure) {
  if (dynamic_cast<const std::bad_alloc*>(&failure) != nullptr) return "out of memory";
  // The system refuses a thread or a process with this code.
  if (const auto* refusal = dynamic_cast<const std::system_error*>(&failure);
      refusal != nullptr && refusal->code() == std::errc::resource_unavailable_try_again)
    return fmt::format(
        "the system starts no more threads: {}; set job.threads to fewer, or raise `ulimit -u` or the "
        "container's limit of processes (pids.max)",
        failure.what());
  if (exit_code_of(failure) != ExitCode::internal) return failure.what();
  const auto* error = dynamic_cast<const Error*>(&failure);
  const std::string place =
      error == nullptr ? "" : fmt::format(" ({}:{})", error->where().file_name(), error->where().line());
  return fmt::format("a defect of eightfold: {}{}", failure.what(), place);
}

}  // namespace eightfold::base
