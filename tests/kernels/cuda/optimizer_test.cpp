#include "kernels/optimizer.hpp"

#include "tests/kernels/cuda/support.hpp"

#include <array>
#include <limits>

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

// Three steps with the same gradient, clipped and not; states start as they would after some steps: not
// negative.
template <class Step>
void check_steps(const Step& step) {
  for (const std::int64_t size : kSizes)
    for (const std::int64_t offset : kOffsets) {
      Floats g = random_floats(Shape{size}, 1), first = random_floats(Shape{size}, 3);
      if (size > 0) g[size - 1] = std::numeric_limits<float>::quiet_NaN();
      for (float& value : first.values()) value = std::abs(value);
      check_bits(
          offset,
          [&](StreamView stream, Tensor gradient, Tensor scale, Tensor w, Tensor a, Tensor b) {
            for (int update = 1; update <= 3; ++update)
              step(stream, update, update == 2 ? ConstTensor(scale) : ConstTensor(), gradient, w, a, b);
          },
          g, Floats(Shape{1}, 0.37F), random_floats(Shape{size}, 2), first, first);
    }
}

}  // namespace

TEST_CASE("SGD on a GPU has the bits of the host") {
  const float momentum = GENERATE(0.0F, 0.9F);
  const bool nesterov = GENERATE(false, true);
  check_steps([&](StreamView stream, int, ConstTensor scale, Tensor g, Tensor w, Tensor v, Tensor) {
    const SgdStep with{
        .learning_rate = 0.1F, .momentum = momentum, .nesterov = nesterov, .weight_decay = 0.01F};
    optimizer_step(stream, with, {scale, g, w, {&v, 1}});
  });
}

TEST_CASE("RMSProp on a GPU has the bits of the host") {
  const float momentum = GENERATE(0.0F, 0.5F);
  check_steps([&](StreamView stream, int, ConstTensor scale, Tensor g, Tensor w, Tensor s, Tensor v) {
    const RmspropStep with{.learning_rate = 0.01F, .momentum = momentum, .weight_decay = 0.01F};
    const std::array state{s, v};
    optimizer_step(stream, with, {scale, g, w, state});
  });
}

TEST_CASE("AdamW on a GPU has the bits of the host") {
  check_steps([](StreamView stream, int update, ConstTensor scale, Tensor g, Tensor w, Tensor m, Tensor v) {
    const AdamwStep with{.learning_rate = 0.01F, .weight_decay = 0.1F, .update = update};
    const std::array state{m, v};
    optimizer_step(stream, with, {scale, g, w, state});
  });
}

TEST_CASE("Lion on a GPU has the bits of the host") {
  check_steps([](StreamView stream, int, ConstTensor scale, Tensor g, Tensor w, Tensor m, Tensor) {
    optimizer_step(stream, LionStep{.learning_rate = 0.01F, .weight_decay = 0.1F}, {scale, g, w, {&m, 1}});
  });
}
