#pragma once

// Diagnostics, on standard error: one line each, stamped with the rank once it is known. Rank 0 speaks from
// `info` up, the other ranks from `warn` up; a log file, where one is open, has everything. Results and
// progress are not diagnostics: they go to standard output. Thread-safe.

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace eightfold::base {

enum class LogLevel { debug, info, warn, error };

// Sets the rank that log lines name; `comm` calls it once when MPI is up. size 1 leaves lines unstamped.
void set_log_identity(int rank, int size, const std::string& host);
// The stamp itself, "[rank 3/8 host]", empty before the identity is known or with one rank.
std::string log_stamp();
// Copies every line from now on to `path`, appended. Other threads may log meanwhile. Throws EnvironmentError
// if it cannot be opened.
void open_log_file(const std::filesystem::path& path);

void log(LogLevel level, std::string_view message);

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warn(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::warn, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace eightfold::base
