#pragma once

// Lower layers report spans to it without knowing who listens. `comm` reports the spans of its exchange, the
// worker its phases; telemetry turns them into totals and traces. Calls come from any thread, inside the
// training step: an implementation is thread-safe, quick and does not throw.

#include "kernels/base/clock.hpp"

#include <cstdint>
#include <string_view>

namespace eightfold::base {

// The row of a trace on which a span is drawn: one per thread of work.
enum class Track { worker, engine, loader };

struct Span {
  Track track;
  std::string_view name;  // a string literal: observers may keep the view
  TimePoint begin;
  TimePoint end;
  std::int64_t index = -1;  // bucket, micro-batch ... what `name` counts; -1: nothing
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_span(const Span& span) noexcept = 0;
};

// Reports a span from its construction to its end of scope. A null observer costs two branches and no clock.
class ScopedSpan {
 public:
  ScopedSpan(Observer* observer, Track track, std::string_view name, std::int64_t index = -1)
      : observer_(observer), span_{track, name, {}, {}, index} {
    if (observer_ != nullptr) span_.begin = Clock::now();
  }
  ~ScopedSpan() {
    if (observer_ == nullptr) return;
    span_.end = Clock::now();
    observer_->on_span(span_);
  }
  ScopedSpan(const ScopedSpan&) = delete;  // it is a scope
  ScopedSpan& operator=(const ScopedSpan&) = delete;

 private:
  Observer* observer_;
  Span span_;
};

}  // namespace eightfold::base
