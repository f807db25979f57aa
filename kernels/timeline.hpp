#pragma once

// Spans of a stream's work as its device got to them. A device's work is enqueued long before it runs, so the
// clock of the enqueuing thread says nothing of it. So a span is bracketed by two timed events, and is
// reported to an observer once the stream has passed both, in times of base::Clock. On the host, where
// enqueueing is doing, these are the ordinary times.
//
// Belongs to the thread that enqueues. Makes an event when more marks are under way than ever before, so that
// none is made in steady state.

#include "kernels/base/observer.hpp"
#include "kernels/stream.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

namespace eightfold::kernels {

class Timeline {
 public:
  // Spans are reported on `track`. Waits for the stream once. `observer` outlives this.
  Timeline(StreamView stream, base::Observer& observer, base::Track track);

  // The operations that work() enqueues on the stream are one span. Spans nest; an inner one is reported
  // before the one around it. If work() throws there is none.
  template <class Work>
  void span(std::string_view name, std::int64_t index, const Work& work) {
    const Mark begin = record();
    work();
    pending_.push_back({name, index, begin, record()});
  }
  // The stream's present end, as a span without length.
  void point(std::string_view name, std::int64_t index) {
    const Mark mark = record();
    pending_.push_back({name, index, mark, mark});
  }

  // Reports what the stream has passed. Never waits.
  void report();
  // Waits for the stream and reports everything.
  void synchronize();

 private:
  using Mark = std::size_t;  // an index into events_
  struct Pending {
    std::string_view name;
    std::int64_t index;
    Mark begin, end;
  };

  Mark unused_mark();
  Mark record();
  base::Duration between(Mark begin, Mark end) const;

  StreamView stream_;
  base::Observer& observer_;
  base::Track track_;
  std::vector<Event> events_;
  std::vector<Mark> free_;
  // Times are counted from here. It is the end of the last span reported: CUDA gives times in
  // single-precision milliseconds, which after ten minutes are 62 us apart. Moves with every synchronize(),
  // too: device and host have clocks of their own.
  Mark anchor_;
  base::TimePoint anchor_time_;
  std::deque<Pending> pending_;  // by their ends
};

}  // namespace eightfold::kernels
