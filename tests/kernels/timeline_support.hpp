#pragma once

// The common part of the tests of timelines on host and device.

#include "kernels/base/observer.hpp"
#include "tests/support/test.hpp"

#include <vector>

namespace eightfold::kernels::testing {

// Clocks of host and device are matched when the host learns that the device was done, some time later.
constexpr auto kMatch = std::chrono::milliseconds(500);

class Spans final : public base::Observer {
 public:
  void on_span(const base::Span& span) noexcept override { all_.push_back(span); }
  const std::vector<base::Span>& all() const { return all_; }

 private:
  std::vector<base::Span> all_;
};

// "point" 2 and then "inner" 3, within "outer" 1, within the given times.
inline void check_nested(const std::vector<base::Span>& spans, base::TimePoint before,
                         base::TimePoint after) {
  REQUIRE(spans.size() == 3);
  const base::Span &point = spans[0], &inner = spans[1], &outer = spans[2];
  CHECK(point.name == "point");
  CHECK(inner.name == "inner");
  CHECK(outer.name == "outer");
  CHECK(point.index == 2);
  CHECK(inner.index == 3);
  CHECK(outer.index == 1);
  CHECK(before - kMatch <= outer.begin);
  CHECK(outer.begin <= point.begin);
  CHECK(point.begin == point.end);
  CHECK(point.end <= inner.begin);
  CHECK(inner.begin <= inner.end);
  CHECK(inner.end <= outer.end);
  CHECK(outer.end <= after + kMatch);
}

}  // namespace eightfold::kernels::testing
