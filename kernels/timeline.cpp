#include "kernels/timeline.hpp"

#include <utility>

namespace eightfold::kernels {

Timeline::Timeline(StreamView stream, base::Observer& observer, base::Track track)
    : stream_(stream), observer_(observer), track_(track), anchor_(unused_mark()) {
  synchronize();
}

Timeline::Mark Timeline::unused_mark() {
  if (free_.empty()) {
    events_.emplace_back(stream_.device(), EventKind::timed);
    return events_.size() - 1;
  }
  const Mark mark = free_.back();
  free_.pop_back();
  return mark;
}

Timeline::Mark Timeline::record() {
  const Mark mark = unused_mark();
  events_[mark].record(stream_);
  return mark;
}

base::Duration Timeline::between(Mark begin, Mark end) const {
  const std::chrono::duration<double> time(events_[end].seconds_since(events_[begin]));
  return std::chrono::round<base::Duration>(time);
}

void Timeline::report() {
  while (!pending_.empty() && events_[pending_.front().end].is_reached()) {
    const Pending span = pending_.front();
    pending_.pop_front();
    anchor_time_ += between(anchor_, span.end);
    free_.push_back(std::exchange(anchor_, span.end));
    const base::Duration length = span.begin == span.end ? base::Duration(0) : between(span.begin, span.end);
    observer_.on_span({track_, span.name, anchor_time_ - length, anchor_time_, span.index});
    if (span.begin != span.end) free_.push_back(span.begin);
  }
}

void Timeline::synchronize() {
  stream_.synchronize();
  report();
  events_[anchor_].record(stream_);
  events_[anchor_].synchronize();
  anchor_time_ = base::Clock::now();
}

}  // namespace eightfold::kernels
