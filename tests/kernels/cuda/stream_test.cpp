#include "kernels/stream.hpp"

#include "kernels/elementwise.hpp"
#include "tests/kernels/cuda/held_stream.hpp"
#include "tests/kernels/cuda/support.hpp"

#include <thread>

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

TEST_CASE("work of a GPU waits for an event of another stream, and for no other work of it") {
  const Stream copies(kCuda), compute(kCuda);
  PinnedBuffer<float> input(kCuda, 1003);
  const Buffer<float> x(kCuda, input.size()), y(kCuda, input.size());
  Event copied(kCuda), computed(kCuda);
  HeldStream held;
  pointwise_forward(compute, Pointwise::relu, x.tensor(),
                    y.tensor());  // loads the kernel before anything is held
  compute.view().synchronize();
  Floats result(Shape{1003});
  for (int round = 1; round <= 5; ++round) {
    std::fill(input.span().begin(), input.span().end(), static_cast<float>(round));
    copy(copies, input.tensor(Shape{1003}), x.tensor());
    copied.record(copies);
    held.hold(copies);  // behind the event: holds nobody else up
    copied.wait(compute);
    pointwise_forward(compute, Pointwise::relu, x.tensor(), y.tensor());
    computed.record(compute);
    copy(compute, y.tensor(), result.tensor());
    compute.view().synchronize();
    CHECK(result.values() == std::vector<float>(1003, static_cast<float>(round)));
    CHECK(computed.is_reached());
    held.let_go();
    computed.wait(copies);
  }
  copies.view().synchronize();
}

TEST_CASE("a stream of a GPU is held back until another thread lets it go") {
  const Stream stream(kCuda);
  const Buffer<float> x(kCuda, 7);
  HeldStream held;
  Event passed(kCuda);
  fill(stream, 1, x.tensor());
  held.hold(stream);
  fill(stream, 2, x.tensor());
  passed.record(stream);
  CHECK_FALSE(passed.is_reached());
  std::thread other([&] { held.let_go(); });
  passed.synchronize();
  other.join();
  CHECK(passed.is_reached());
  held.let_go();  // before anybody is held
  held.hold(stream);
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
