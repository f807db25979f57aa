// How the backend calls the CUDA runtime. The linker puts the functions __wrap_* below in the place of those
// of the interpreter's stand-in (--wrap), which they call as __real_*.
#include "kernels/stream.hpp"
#include "kernels/timeline.hpp"
#include "tests/kernels/cuda/held_stream.hpp"
#include "tests/kernels/timeline_support.hpp"
#include "tests/support/test.hpp"

#include <cuda_runtime_api.h>

#include <map>

using namespace eightfold;
using namespace eightfold::kernels;

namespace {

constexpr Device kCuda{DeviceKind::cuda, 0};
constexpr int kLeastPriority = 0, kGreatestPriority = -5;  // as GPUs have them

unsigned event_flags = 0;              // of the last event,
int stream_priority = 1;               // and the priority of the last stream
cudaError_t last_error = cudaSuccess;  // that the last query left; CUDA keeps "not ready", too

// A device on which time passes when a test says so.
struct FakeTime {
  double now_ms = 0;
  std::map<cudaEvent_t, double> recorded_ms;
};
FakeTime* fake_time = nullptr;

}  // namespace

extern "C" {

cudaError_t __real_cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t __wrap_cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  event_flags = flags;
  return __real_cudaEventCreateWithFlags(event, flags);
}

cudaError_t __wrap_cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = kLeastPriority;
  *greatest = kGreatestPriority;
  return cudaSuccess;
}

cudaError_t __real_cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority);
cudaError_t __wrap_cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority) {
  stream_priority = priority;
  return __real_cudaStreamCreateWithPriority(stream, flags, priority);
}

cudaError_t __real_cudaEventQuery(cudaEvent_t event);
cudaError_t __wrap_cudaEventQuery(cudaEvent_t event) {
  return last_error = __real_cudaEventQuery(event);
}

cudaError_t __real_cudaGetLastError();
cudaError_t __wrap_cudaGetLastError() {
  last_error = cudaSuccess;
  return __real_cudaGetLastError();
}

cudaError_t __real_cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t __wrap_cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (fake_time != nullptr) fake_time->recorded_ms[event] = fake_time->now_ms;
  return __real_cudaEventRecord(event, stream);
}

cudaError_t __real_cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end);
cudaError_t __wrap_cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  if (fake_time == nullptr) return __real_cudaEventElapsedTime(milliseconds, start, end);
  *milliseconds = static_cast<float>(fake_time->recorded_ms.at(end) - fake_time->recorded_ms.at(start));
  return cudaSuccess;
}

}  // extern "C"

TEST_CASE("only events that a thread sleeps on interrupt it, and only timed ones have times") {
  const Event order(kCuda);
  CHECK(event_flags == cudaEventDisableTiming);
  const Event slept_on(kCuda, EventKind::slept_on);
  CHECK(event_flags == (cudaEventDisableTiming | cudaEventBlockingSync));
  const Event timed(kCuda, EventKind::timed);
  CHECK(event_flags == cudaEventDefault);
}

TEST_CASE("streams have the lowest priority of a device unless they ask for the highest") {
  const Stream ordinary(kCuda);
  CHECK(stream_priority == kLeastPriority);
  const Stream high(kCuda, Priority::high);
  CHECK(stream_priority == kGreatestPriority);
}

TEST_CASE("an event that is not reached yet leaves no error behind") {
  const Stream stream(kCuda);
  Event event(kCuda);
  kernels::testing::HeldStream held;
  held.hold(stream);
  event.record(stream);
  CHECK_FALSE(event.is_reached());
  CHECK(last_error == cudaSuccess);
  held.let_go();
  stream.view().synchronize();
  CHECK(event.is_reached());
}

// A day is 8.64e7 ms, where single precision has steps of 8 ms.
TEST_CASE("spans are exact to less than a microsecond a day after the clocks were compared") {
  constexpr double kDay_ms = 864e5;
  constexpr std::chrono::nanoseconds kExact(500);
  FakeTime time;
  fake_time = &time;
  const Stream stream(kCuda);
  kernels::testing::Spans spans;
  Timeline timeline(stream, spans, base::Track::worker);
  time.now_ms += kDay_ms;
  timeline.span("first", 0, [&] { time.now_ms += 0.25; });
  time.now_ms += 0.010;
  timeline.span("outer", 0, [&] {
    time.now_ms += 0.002;
    timeline.span("inner", 0, [&] { time.now_ms += 0.5; });
    time.now_ms += 0.003;
  });
  stream.view().synchronize();
  timeline.report();
  fake_time = nullptr;
  REQUIRE(spans.all().size() == 3);
  const base::Span &first = spans.all()[0], &inner = spans.all()[1], &outer = spans.all()[2];
  const auto is = [&](base::Duration time_between, std::chrono::microseconds expected) {
    return std::chrono::abs(time_between - expected) < kExact;
  };
  using std::chrono::microseconds;
  CHECK(is(first.end - first.begin, microseconds(250)));
  CHECK(is(outer.begin - first.end, microseconds(10)));
  CHECK(is(inner.begin - outer.begin, microseconds(2)));
  CHECK(is(inner.end - inner.begin, microseconds(500)));
  CHECK(is(outer.end - inner.end, microseconds(3)));
}
