#include "kernels/timeline.hpp"

#include "tests/kernels/cuda/held_stream.hpp"
#include "tests/kernels/cuda/support.hpp"
#include "tests/kernels/timeline_support.hpp"

using namespace eightfold;
using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

TEST_CASE("spans of a device are reported when it has done their work, at the times it did") {
  const Stream stream(kCuda);
  Spans spans;
  Timeline timeline(stream, spans, base::Track::worker);
  HeldStream held;
  const base::TimePoint before = base::Clock::now();
  timeline.span("outer", 1, [&] {
    timeline.point("point", 2);
    timeline.span("inner", 3, [&] { held.hold(stream); });
  });
  timeline.report();
  CHECK(spans.all().size() <= 1);  // the point, perhaps: the stream is held
  const base::TimePoint let_go = base::Clock::now();
  held.let_go();
  timeline.synchronize();
  check_nested(spans.all(), before, base::Clock::now());
  CHECK(spans.all()[1].end >= let_go - kMatch);
}

TEST_CASE("a timeline in steady state waits for nothing and keeps its events") {
  const Stream stream(kCuda);
  Spans spans;
  Timeline timeline(stream, spans, base::Track::worker);
  const DeviceCounters before = device_counters();
  for (int step = 0; step < 100; ++step) {
    timeline.span("step", step, [] {});
    timeline.report();
  }
  CHECK(device_counters().synchronizations == before.synchronizations);
  CHECK(device_counters().allocations == before.allocations);
  timeline.synchronize();
  CHECK(spans.all().size() == 100);
}

TEST_CASE("a stream that is held back holds up what is behind on it, and nothing else") {
  const Stream stream(kCuda), other(kCuda);
  const Buffer<float> values(kCuda, 2);
  PinnedBuffer<float> ones(kCuda, 1), first(kCuda, 1), second(kCuda, 1);
  ones.data()[0] = 1;
  const Tensor left = values.tensor({1}), right = values.tensor({1}, 1);
  Event done(kCuda);
  HeldStream held;
  held.hold(stream);
  copy(stream, ones.tensor({1}), left);
  done.record(stream);
  copy(other, left, first.tensor({1}));
  copy(other, ones.tensor({1}), right);
  other.view().synchronize();
  CHECK(first.data()[0] == 0);
  CHECK_FALSE(done.is_reached());
  held.let_go();
  stream.view().synchronize();
  CHECK(done.is_reached());
  copy(other, left, second.tensor({1}));
  other.view().synchronize();
  CHECK(second.data()[0] == 1);
}
