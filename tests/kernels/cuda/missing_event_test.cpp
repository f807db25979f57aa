// A training step's inputs are copied on one stream and used on another, with and without the event that
// orders them. The interpreter's delays (docs/simt.md) exist to show the difference.

#include "kernels/elementwise.hpp"
#include "tests/kernels/cuda/support.hpp"
#include "tests/simt/sanitizers.hpp"
#include "tests/support/process.hpp"

#include <filesystem>

using namespace eightfold;
using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

enum class Ordered { by_event, not_at_all };

void use_inputs(Ordered ordered) {
  constexpr int kPasses = 40;
  constexpr std::int64_t kSize = 301;
  const Stream copies(kCuda), compute(kCuda);
  const Buffer<float> sum(kCuda, kSize);
  const PinnedBuffer<float> input(kCuda, kSize);
  const Buffer<float> inputs(kCuda, kPasses * kSize);  // zeros until they are copied
  std::fill(input.span().begin(), input.span().end(), 1.0F);
  Event copied(kCuda);
  for (std::size_t pass = 0; pass < kPasses; ++pass) {
    const Tensor x = inputs.tensor(Shape{kSize}, pass * kSize);
    copy(copies, input.tensor(Shape{kSize}), x);
    copied.record(copies);
    if (ordered == Ordered::by_event) copied.wait(compute);
    add_scaled(compute, 1, x, sum.tensor());
    // Neither stream gets a lead from one pass to the next.
    compute.view().synchronize();
    copies.view().synchronize();
  }
  Floats result(Shape{kSize});
  copy(compute, sum.tensor(), result.tensor());
  compute.view().synchronize();
  CHECK(result.values() == std::vector<float>(kSize, kPasses));
}

int status_of(const std::string& test_case) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  // Streams that share a hardware queue would keep an order of their own.
  return test::run({{program, test_case}, {{"SIMT_DELAY", "0.5/5000"}, {"SIMT_QUEUES", "0"}}, {}}).status;
}

}  // namespace

TEST_CASE("hidden: inputs are waited for", "[.]") {
  use_inputs(Ordered::by_event);
}

TEST_CASE("hidden: inputs are not waited for", "[.]") {
  use_inputs(Ordered::not_at_all);
}

TEST_CASE("a step that does not wait for the copy of its inputs computes with something else") {
  CHECK(status_of("hidden: inputs are waited for") == 0);
  // ThreadSanitizer sees the race itself, and ends the program before the sum is compared.
  CHECK(status_of("hidden: inputs are not waited for") == (simt::sanitizer::kThread ? 66 : 1));
}
