#pragma once

// The trace of a run in Chrome's trace-event format (chrome://tracing, ui.perfetto.dev). It has one row per
// thread of work and one for each bucket in exchange. Times are in microseconds since the trace began. Kept
// in memory, bounded, and written at the end.

#include "kernels/base/observer.hpp"

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace eightfold::runtime::telemetry {

class Trace {
 public:
  explicit Trace(std::size_t limit = 1'000'000) : limit_(limit), start_(base::Clock::now()) {}

  // Thread-safe. Beyond the limit spans are counted, not kept.
  void add(const base::Span& span) noexcept;
  // Throws EnvironmentError.
  void write(const std::filesystem::path& path, int rank) const;

 private:
  std::string as_event(const base::Span& span, int rank) const;
  std::string as_events(const base::Span& span, std::size_t number, int rank) const;

  std::size_t limit_;
  base::TimePoint start_;
  mutable std::mutex mutex_;
  std::vector<base::Span> spans_;
  std::size_t dropped_ = 0;
};

}  // namespace eightfold::runtime::telemetry
