#include "tests/simt/live_objects.hpp"
#include "tests/simt/support.hpp"
#include "tests/support/test.hpp"

namespace eightfold::simt::testing {
namespace {

TEST_CASE("live objects are counted") {
  const LiveObjects before = live_objects();
  {
    const Stream stream(kCuda);
    const Event event(kCuda);
    const Buffer<float> values(kCuda, 3);
    const PinnedBuffer<float> pinned(kCuda, 3);
    const LiveObjects now = live_objects();
    CHECK(now.streams == before.streams + 1);
    CHECK(now.events == before.events + 1);
    CHECK(now.device_memory == before.device_memory + 1);
    CHECK(now.pinned_memory == before.pinned_memory + 1);
  }
  CHECK(live_objects() == before);
}

// ---- Each leak in a program of its own, which fails for nothing else.

template <class Object>
void leak(Object object) {
  static_cast<void>(new Object(std::move(object)));
}

TEST_CASE("hidden: a leaked stream", "[.]") {
  leak(Stream(kCuda));
}
TEST_CASE("hidden: a leaked event", "[.]") {
  leak(Event(kCuda));
}
TEST_CASE("hidden: a leaked buffer", "[.]") {
  leak(Buffer<float>(kCuda, 3));
}
TEST_CASE("hidden: a leaked pinned buffer", "[.]") {
  leak(PinnedBuffer<float>(kCuda, 3));
}
TEST_CASE("hidden: nothing leaked", "[.]") {
  const Stream stream(kCuda);
  const PinnedBuffer<float> pinned(kCuda, 3);
}

// LeakSanitizer would say it too, in its own words and with its own exit status.
test::Finished end_of(const std::string& test_case) {
  return run_alone(test_case, {{"ASAN_OPTIONS", "detect_leaks=0"}});
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST_CASE("a program that leaks fails and says what was made by whom") {
  struct Leak {
    std::string test_case, kind, maker;
  };
  for (const Leak& leak :
       {Leak{"hidden: a leaked stream", "stream", "CudaRuntime::create_stream"},
        Leak{"hidden: a leaked event", "event", "CudaRuntime::create_event"},
        Leak{"hidden: a leaked buffer", "allocation of device memory", "CudaRuntime::allocate"},
        Leak{"hidden: a leaked pinned buffer", "allocation of pinned memory", "CudaRuntime::allocate"}}) {
    const test::Finished end = end_of(leak.test_case);
    CAPTURE(leak.test_case, end.out, end.err);
    CHECK(end.status == 86);
    CHECK(count(end.err, "simt: leaked: ") == 1);
    CHECK(count(end.err, "simt: leaked: " + leak.kind + " 0x") == 1);
    CHECK(count(end.err, leak.maker) == 1);
    CHECK(count(end.err, "eightfold::simt::testing::") >= 1);  // the test itself
    CHECK(count(end.err, "Catch::") == 0);
  }
}

TEST_CASE("a program that leaks nothing succeeds") {
  const test::Finished end = end_of("hidden: nothing leaked");
  CAPTURE(end.err);
  CHECK(end.status == 0);
}

}  // namespace
}  // namespace eightfold::simt::testing
