#include "kernels/timeline.hpp"

namespace eightfold::kernels {

Timeline::Timeline(StreamView stream, base::Observer& observer, base::Track track)
    : stream_(stream), observer_(observer), track_(track), anchor_(stream.device(), EventKind::timed) {
  synchronize();
}

Timeline::Mark Timeline::record() {
  if (free_.empty()) {
    free_.push_back(events_.size());
    events_.emplace_back(stream_.device(), EventKind::timed);
  }
  const Mark mark = free_.back();
  events_[mark].record(stream_);
  free_.pop_back();
  return mark;
}

base::TimePoint Timeline::time_of(Mark mark) const {
  const std::chrono::duration<double> since(events_[mark].seconds_since(anchor_));
  return anchor_time_ + std::chrono::duration_cast<base::Duration>(since);
}

void Timeline::report() {
  while (!pending_.empty() && events_[pending_.front().end].is_reached()) {
    const Pending span = pending_.front();
    pending_.pop_front();
    observer_.on_span({track_, span.name, time_of(span.begin), time_of(span.end), span.index});
    free_.push_back(span.end);
    if (span.begin != span.end) free_.push_back(span.begin);
  }
}

void Timeline::synchronize() {
  stream_.synchronize();
  report();
  anchor_.record(stream_);
  anchor_.synchronize();
  anchor_time_ = base::Clock::now();
}

}  // namespace eightfold::kernels
