#include "kernels/base/log.hpp"

#include "kernels/base/error.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>

namespace eightfold::base {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// A full disk costs lines of the log file, not the run.
void say_lost_line(const std::string& failure) {
  static std::atomic_flag is_said;
  if (!is_said.test_and_set())
    std::fputs(fmt::format("error: the log lacks lines: {}\n", failure).c_str(), stderr);
}

// In spdlog's patterns a percent sign is not itself.
std::string as_pattern(const std::string& text) {
  std::string pattern;
  for (const char c : text) pattern += c == '%' ? std::string("%%") : std::string(1, c);
  return pattern;
}

// The process's one log. A function-local object: usable from any static initialiser, gone last.
struct Log {
  std::shared_ptr<spdlog::sinks::stderr_sink_mt> console = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  spdlog::logger logger{"eightfold", console};
  // Guards the list of the logger's sinks, which the logger reads without a lock. Not a lock that readers
  // share: they could keep open_log_file() waiting for ever.
  std::mutex sinks_mutex;
  std::mutex mutex;  // guards the members below
  std::string stamp;
  int rank = 0;

  Log() {
    logger.set_level(spdlog::level::debug);
    // A process may end by _exit() right behind such a line, which tells why.
    logger.flush_on(spdlog::level::warn);
    logger.set_error_handler(say_lost_line);
    configure();
  }

  void configure() {
    // Rank 0 speaks for all. Of the others, only warnings and errors are news.
    console->set_level(rank == 0 ? spdlog::level::info : spdlog::level::warn);
    console->set_pattern(stamp.empty() ? "%l: %v" : as_pattern(stamp) + " %l: %v");
  }
};

Log& instance() {
  static Log log;
  return log;
}

}  // namespace

void set_log_identity(int rank, int size, const std::string& host) {
  Log& log = instance();
  const std::lock_guard lock(log.mutex);
  log.rank = rank;
  log.stamp = size > 1 ? fmt::format("[rank {}/{} {}]", rank, size, host) : std::string();
  log.configure();
}

std::string log_stamp() {
  Log& log = instance();
  const std::lock_guard lock(log.mutex);
  return log.stamp;
}

void open_log_file(const std::filesystem::path& path) {
  Log& log = instance();
  try {
    auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
    file->set_formatter(std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                                                                    spdlog::pattern_time_type::utc));
    const std::lock_guard lock(log.sinks_mutex);
    log.logger.sinks().push_back(std::move(file));
  } catch (const spdlog::spdlog_ex& failure) {
    raise<EnvironmentError>("cannot open the log file {}: {}", path.string(), failure.what());
  }
}

void log(LogLevel level, std::string_view message) {
  Log& log = instance();
  const std::lock_guard lock(log.sinks_mutex);
  log.logger.log(spdlog_level(level), message);
}

}  // namespace eightfold::base
