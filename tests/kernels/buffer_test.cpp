#include "kernels/buffer.hpp"

#include "tests/kernels/support.hpp"
#include "tests/support/test.hpp"

#include <cstdint>

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

TEST_CASE("buffers are zeroed, aligned and counted") {
  const auto before = device_counters().allocations;
  for (const std::size_t count : {1, 17, 5000}) {
    const Buffer<float> buffer(kHost, count);
    CHECK(buffer.size() == count);
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64 == 0);
    CHECK(std::all_of(buffer.data(), buffer.data() + count, [](float value) { return value == 0; }));
  }
  CHECK(device_counters().allocations == before + 3);
}

TEST_CASE("an empty buffer has no memory") {
  const auto before = device_counters().allocations;
  const Buffer<float> none(kHost, 0), unmade;
  CHECK(none.data() == nullptr);
  CHECK(none.tensor().elements() == 0);
  CHECK(unmade.size() == 0);
  CHECK(device_counters().allocations == before);
}

TEST_CASE("moving a buffer moves its memory") {
  Buffer<float> from(kHost, 3);
  float* const data = from.data();
  const Buffer<float> to = std::move(from);
  CHECK(to.data() == data);
  CHECK(to.size() == 3);
}

TEST_CASE("a buffer lends tensors within its bounds") {
  const Buffer<float> buffer(kHost, 10);
  CHECK(buffer.tensor(Shape{2, 3}, 4).as<float>() == buffer.data() + 4);
  CHECK(buffer.tensor().elements() == 10);
  CHECK_THROWS_AS(buffer.tensor(Shape{2, 3}, 5), eightfold::base::InternalError);
}

TEST_CASE("copies move equal numbers of equal elements") {
  Floats from = random_floats(Shape{2, 3}, 1);
  const Buffer<float> to(kHost, 6);
  copy(host_stream(), from, to.tensor());
  CHECK(std::equal(to.data(), to.data() + 6, from.values().begin()));
  const PinnedBuffer<float> pinned(kHost, 6);
  copy(host_stream(), to.tensor(), pinned.tensor(Shape{6}));
  CHECK(std::equal(pinned.span().begin(), pinned.span().end(), from.values().begin()));
  const Buffer<double> other(kHost, 6);
  CHECK_THROWS_AS(copy(host_stream(), from, other.tensor()), eightfold::base::InternalError);
  CHECK_THROWS_AS(copy(host_stream(), from, to.tensor(Shape{5})), eightfold::base::InternalError);
}

TEST_CASE("host streams and events are reached at once") {
  const Stream stream(kHost);
  Event event(kHost);
  event.record(stream);
  event.wait(stream);
  CHECK_NOTHROW(event.synchronize());
  CHECK_NOTHROW(stream.view().synchronize());
  CHECK(device_counters().synchronizations == 0);
  CHECK(device_count(DeviceKind::host) == 1);
  CHECK(to_string(Device{DeviceKind::cuda, 2}) == "cuda:2");
}
