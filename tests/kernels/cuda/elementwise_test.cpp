#include "kernels/elementwise.hpp"

#include "tests/kernels/cuda/support.hpp"

#include <limits>

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

// Random numbers among which a few are not.
Floats with_specials(std::int64_t size, std::uint32_t tensor) {
  Floats x = random_floats(Shape{size}, tensor);
  const float specials[] = {std::numeric_limits<float>::quiet_NaN(), -0.0F, 0.0F, 1e-42F,
                            -std::numeric_limits<float>::infinity()};
  for (std::int64_t i = 0; i < size; i += 3) x[i] = specials[i / 3 % 5];
  return x;
}

}  // namespace

TEST_CASE("elementwise operations on a GPU have the bits of the host") {
  for (const std::int64_t size : kSizes)
    for (const std::int64_t offset : kOffsets) {
      const Floats x = with_specials(size, 1), y = random_floats(Shape{size}, 2), z(Shape{size});
      check_bits(
          offset, [](StreamView stream, Tensor to) { fill(stream, -2.5F, to); }, z);
      check_bits(
          offset, [](StreamView stream, Tensor a, Tensor b) { add_scaled(stream, -0.3F, a, b); }, x, y);
      for (const Pointwise function : {Pointwise::relu, Pointwise::tanh}) {
        check_bits(
            offset, [=](StreamView stream, Tensor a, Tensor b) { pointwise_forward(stream, function, a, b); },
            x, z);
        check_bits(
            offset,
            [=](StreamView stream, Tensor a, Tensor b, Tensor c) {
              pointwise_backward(stream, function, a, b, c);
            },
            x, y, z);
      }
    }
}

TEST_CASE("elementwise operations on a GPU work in place") {
  const Floats x = with_specials(1003, 1);
  check_bits(
      0, [](StreamView stream, Tensor a) { pointwise_forward(stream, Pointwise::relu, a, a); }, x);
  check_bits(
      0, [](StreamView stream, Tensor a) { add_scaled(stream, 0.7F, a, a); }, x);
  check_bits(
      0,
      [](StreamView stream, Tensor a) {
        dropout(stream, {0.4F, RandomKey{1, 2, 3}, 5}, a, a);
      },
      x);
}

TEST_CASE("operands of which only some are aligned make no difference") {
  const auto add_rest = [](StreamView stream, Tensor a, Tensor b) {
    add_scaled(stream, 3.0F, a.rows(1, 1000), b.rows(0, 1000));
  };
  check_bits(0, add_rest, random_floats(Shape{1001}, 1), random_floats(Shape{1001}, 2));
}

TEST_CASE("image bytes become the same floats on a GPU") {
  const std::int64_t channels = GENERATE(1, 3, 7);
  for (const std::int64_t pixels : {0, 1, 100, 9001})
    for (const std::int64_t offset : kOffsets) {
      Array<std::uint8_t> x(Shape{pixels, channels});
      for (std::int64_t i = 0; i < pixels * channels; ++i) x[i] = static_cast<std::uint8_t>(i * 31);
      check_bits(
          offset,
          [](StreamView stream, Tensor from, Tensor scale, Tensor shift, Tensor to) {
            bytes_to_float(stream, from, scale, shift, to);
          },
          x, random_floats(Shape{channels}, 1), random_floats(Shape{channels}, 2),
          Floats(Shape{pixels, channels}));
    }
}

TEST_CASE("dropout on a GPU drops what the host drops") {
  for (const std::int64_t size : kSizes)
    for (const std::uint64_t first : {0ULL, 1ULL, 3ULL, (1ULL << 40) + 5}) {
      const DropoutMask mask{0.37F, RandomKey{3, 4, 5}, first};
      check_bits(
          static_cast<std::int64_t>(first % 2),
          [&](StreamView stream, Tensor x, Tensor y) { dropout(stream, mask, x, y); },
          random_floats(Shape{size}, 1), Floats(Shape{size}));
    }
}
