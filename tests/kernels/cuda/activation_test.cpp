#include "kernels/cuda/activation.hpp"

#include "kernels/host/activation.hpp"
#include "tests/kernels/cuda/support.hpp"

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

// Rows of outputs: less than a packet, around a tile of columns, whole packets; one chunk of rows, several,
// and more rows than 256 chunks take at once.
struct Rows {
  std::int64_t count, width;
};
const std::vector<Rows> kRows = {{0, 5},   {1, 1},    {3, 7},     {64, 32},
                                 {65, 33}, {129, 12}, {1000, 10}, {16500, 3}};

}  // namespace

TEST_CASE("bias and activation on a GPU have the bits of the host") {
  const Activation activation = GENERATE(Activation::identity, Activation::relu);
  for (const Rows& rows : kRows)
    for (const std::int64_t offset : kOffsets) {
      Floats y = random_floats(Shape{rows.count, rows.width}, 1);
      if (rows.count > 0) y[0] = std::nanf("");
      check_bits(
          offset,
          [&](StreamView stream, Tensor bias, Tensor to) {
            if (stream.device() == kHost)
              host::add_bias(bias.as<float>(), rows.count, rows.width, activation, to.as<float>());
            else
              cuda::add_bias(stream, bias.as<float>(), rows.count, rows.width, activation, to.as<float>());
          },
          random_floats(Shape{rows.width}, 2), y);
    }
}

TEST_CASE("gradients pass the activation and add up to the bias's on a GPU") {
  const Activation activation = GENERATE(Activation::identity, Activation::relu);
  const GradientMode mode = GENERATE(GradientMode::overwrite, GradientMode::accumulate);
  for (const Rows& rows : kRows) {
    const Shape shape{rows.count, rows.width};
    check_within(
        1e-7 * static_cast<double>(10 + rows.count), 1,
        [&](StreamView stream, Tensor y, Tensor dy, Tensor dbias) {
          if (stream.device() == kHost)
            return host::BiasGradient(rows.count, rows.width, activation)(y.as<float>(), dy.as<float>(), mode,
                                                                          dbias.as<float>());
          cuda::BiasGradient gradient(stream.device(), rows.count, rows.width, activation);
          gradient(stream, y.as<float>(), dy.as<float>(), mode, dbias.as<float>());
          stream.synchronize();
        },
        random_floats(shape, 1), random_floats(shape, 2), Floats(Shape{rows.width}, 3.0F));
  }
}

TEST_CASE("the gradient of a bias on a GPU is exact for integers, row by row") {
  constexpr std::int64_t kCount = 16501, kWidth = 37;
  Floats dy(Shape{kCount, kWidth}), expected(Shape{kWidth}, 3.0F);
  for (std::int64_t i = 0; i < kCount * kWidth; ++i) {
    dy[i] = static_cast<float>(i % 11 - 5);
    expected[i % kWidth] += dy[i];
  }
  const auto results = on_device(
      0,
      [&](StreamView stream, Tensor gradient, Tensor dbias) {
        cuda::BiasGradient sum(stream.device(), kCount, kWidth, Activation::identity);
        sum(stream, nullptr, gradient.as<float>(), GradientMode::accumulate, dbias.as<float>());
        stream.synchronize();
      },
      dy, Floats(Shape{kWidth}, 3.0F));
  CHECK(std::get<1>(results).values() == expected.values());
}
