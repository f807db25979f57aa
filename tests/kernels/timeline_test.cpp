#include "kernels/timeline.hpp"

#include "kernels/base/error.hpp"
#include "tests/kernels/timeline_support.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

TEST_CASE("spans of a host's stream are the times in which its work was done, inner ones first") {
  const Stream stream(Device{});
  Spans spans;
  Timeline timeline(stream, spans, base::Track::worker);
  const base::TimePoint before = base::Clock::now();
  timeline.span("outer", 1, [&] {
    timeline.point("point", 2);
    timeline.span("inner", 3, [] {});
  });
  CHECK(spans.all().empty());
  timeline.report();
  check_nested(spans.all(), before, base::Clock::now());
}

TEST_CASE("work that throws leaves no span, and those around it go on") {
  const Stream stream(Device{});
  Spans spans;
  Timeline timeline(stream, spans, base::Track::worker);
  timeline.span("outer", 0,
                [&] { CHECK_THROWS(timeline.span("inner", 0, [] { throw base::DataError("broken"); })); });
  timeline.synchronize();
  REQUIRE(spans.all().size() == 1);
  CHECK(spans.all()[0].name == "outer");
}
