#include "kernels/stream.hpp"

#include "kernels/elementwise.hpp"
#include "tests/kernels/cuda/support.hpp"

#include <thread>

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

TEST_CASE("work of a GPU waits for an event of another stream, and for no other work of it") {
  const Stream copies(kCuda), compute(kCuda);
  PinnedBuffer<float> input(kCuda, 1003);
  const Buffer<float> x(kCuda, input.size()), y(kCuda, input.size());
  Event copied(kCuda), computed(kCuda);
  StreamGate gate;
  for (int round = 1; round <= 5; ++round) {
    std::fill(input.span().begin(), input.span().end(), static_cast<float>(round));
    copy(copies, input.tensor(Shape{1003}), x.tensor());
    copied.record(copies);
    gate.wait(copies);  // behind the event: holds nobody else up
    copied.wait(compute);
    pointwise_forward(compute, Pointwise::relu, x.tensor(), y.tensor());
    computed.record(compute);
    Floats result(Shape{1003});
    copy(compute, y.tensor(), result.tensor());
    compute.view().synchronize();
    CHECK(result.values() == std::vector<float>(1003, static_cast<float>(round)));
    CHECK(computed.is_reached());
    gate.signal();
    computed.wait(copies);
  }
  copies.view().synchronize();
}

TEST_CASE("a gate holds a stream of a GPU back until another thread signals it") {
  const Stream stream(kCuda);
  const Buffer<float> x(kCuda, 7);
  StreamGate gate;
  Event passed(kCuda);
  fill(stream, 1, x.tensor());
  gate.wait(stream);
  fill(stream, 2, x.tensor());
  passed.record(stream);
  CHECK_FALSE(passed.is_reached());
  std::thread signaller([&] { gate.signal(); });
  passed.synchronize();
  signaller.join();
  CHECK(passed.is_reached());
  gate.signal();  // before anybody is held
  gate.wait(stream);
  Floats result(Shape{7});
  copy(stream, x.tensor(), result.tensor());
  stream.view().synchronize();
  CHECK(result.values() == std::vector<float>(7, 2.0F));
}

TEST_CASE("timed events of a GPU tell how long the work between them took") {
  const Stream stream(kCuda);
  Event first(kCuda, EventKind::timed), second(kCuda, EventKind::timed);
  first.record(stream);
  const Buffer<float> x(kCuda, 70003);
  fill(stream, 1, x.tensor());
  second.record(stream);
  second.synchronize();
  CHECK(second.seconds_since(first) > 0);
  CHECK(first.seconds_since(first) == 0);
}
