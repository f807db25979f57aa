#pragma once

// Time: a monotonic clock for durations, and the wall clock only for stamps that people and file names carry.

#include <chrono>
#include <string>

namespace eightfold::base {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

inline double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}
inline double seconds_since(TimePoint start) {
  return seconds(Clock::now() - start);
}

// "2026-11-21T09-30-05Z", UTC: sorts by time and is a valid file name everywhere.
std::string utc_stamp();

}  // namespace eightfold::base
