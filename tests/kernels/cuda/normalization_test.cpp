#include "kernels/normalization.hpp"

#include "tests/kernels/cuda/support.hpp"

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

// Forth and back: the last two tensors are y and dx.
auto both_passes(const LocalResponse& parameters) {
  return [parameters](StreamView stream, Tensor x, Tensor dy, Tensor y, Tensor dx) {
    local_response_forward(stream, parameters, x, y);
    local_response_backward(stream, parameters, x, dy, dx);
  };
}

}  // namespace

TEST_CASE("local response normalisation with its usual exponent has the bits of the host") {
  const std::int64_t channels = GENERATE(1, 3, 32, 97);
  const LocalResponse parameters =
      GENERATE(LocalResponse{}, LocalResponse{3, 2.0F, 0.75F, 1}, LocalResponse{1, 1.0F, 0.75F, 1},
               LocalResponse{301, 3.0F, 0.75F, 1});
  const std::int64_t offset = GENERATE(0, 1);
  const Shape shape{2, 5, 7, channels};
  check_bits(offset, both_passes(parameters), random_floats(shape, 1), random_floats(shape, 2), Floats(shape),
             Floats(shape));
}

TEST_CASE("local response normalisation of more tiles than blocks has the bits of the host") {
  const Shape shape{3, 17, 19, 33};
  check_bits(1, both_passes({}), random_floats(shape, 1), random_floats(shape, 2), Floats(shape),
             Floats(shape));
}

TEST_CASE("local response normalisation with another exponent agrees with the host") {
  const Shape shape{1, 3, 5, 33};
  check_within(1e-6, 0, both_passes({5, 1.5F, 0.6F, 2}), random_floats(shape, 1), random_floats(shape, 2),
               Floats(shape), Floats(shape));
}

TEST_CASE("local response normalisation takes nothing on a GPU") {
  const Floats none(Shape{0, 4});
  check_bits(0, both_passes({}), none, none, none, none);
}
