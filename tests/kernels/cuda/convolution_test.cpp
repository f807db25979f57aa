#include "kernels/convolution.hpp"

#include "tests/kernels/cuda/support.hpp"

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

// A whole pass; what it makes is compared with the host. As in linear_test.cpp, a large bias keeps outputs
// away from 0.
void check_convolution(const ConvolutionShape& shape, GradientMode mode) {
  const Shape x{shape.batch, shape.height, shape.width, shape.in_channels};
  const Shape weight{shape.out_channels, shape.kernel, shape.kernel, shape.in_channels / shape.groups};
  const Shape bias{shape.out_channels},
      y{shape.batch, shape.out_height(), shape.out_width(), shape.out_channels};
  const std::int64_t taps = shape.kernel * shape.kernel * shape.in_channels / shape.groups;
  Floats biases(bias);
  for (std::int64_t o = 0; o < shape.out_channels; ++o)
    biases[o] = static_cast<float>(o % 2 == 0 ? taps + 1 : -taps - 1);
  check_within(
      1e-6 * static_cast<double>(100 + taps + shape.batch * shape.height * shape.width), 0,
      [&](StreamView stream, Tensor from, Tensor w, Tensor b, Tensor dy, Tensor to, Tensor dweight,
          Tensor dbias, Tensor dx) {
        const auto convolution = plan_convolution(stream.device(), shape);
        convolution->begin_step(stream, w);
        convolution->forward(stream, from, b, to);
        convolution->backward_parameters(stream, from, to, dy, mode, dweight, dbias);
        convolution->backward_data(stream, dy, dx);
        stream.synchronize();
      },
      random_floats(x, 1), random_floats(weight, 2), biases, random_floats(y, 4), Floats(y, 77.0F),
      Floats(weight, 2.0F), Floats(bias, 3.0F), Floats(x, 77.0F));
}

ConvolutionShape shape_of(int batch, int size, int in, int out, int kernel, int stride, int padding,
                          int groups) {
  // Not square: an exchange of height and width must show.
  return {batch, size, size + 3, in, out, kernel, stride, padding, groups};
}

}  // namespace

TEST_CASE("convolutions and their gradients on a GPU agree with the host") {
  const Activation activation = GENERATE(Activation::identity, Activation::relu);
  const GradientMode mode = GENERATE(GradientMode::overwrite, GradientMode::accumulate);
  ConvolutionShape shape = GENERATE(shape_of(1, 1, 1, 1, 1, 1, 0, 1), shape_of(2, 5, 1, 32, 5, 1, 2, 1),
                                    shape_of(3, 7, 3, 5, 3, 1, 1, 1), shape_of(2, 9, 16, 32, 3, 2, 1, 1),
                                    shape_of(1, 11, 3, 17, 7, 4, 3, 1), shape_of(2, 5, 32, 32, 3, 1, 1, 2),
                                    shape_of(2, 6, 8, 8, 3, 2, 1, 8), shape_of(0, 6, 8, 8, 3, 2, 1, 1));
  shape.activation = activation;
  check_convolution(shape, mode);
}

TEST_CASE("NaN passes through a convolution and its relu on a GPU") {
  ConvolutionShape shape{2, 6, 6, 4, 16, 3, 1, 1};
  shape.activation = GENERATE(Activation::identity, Activation::relu);
  Floats x = random_floats(Shape{2, 6, 6, 4}, 1);
  x[0] = std::nanf("");
  const auto results = on_device(
      0,
      [&](StreamView stream, Tensor from, Tensor weight, Tensor bias, Tensor y) {
        const auto convolution = plan_convolution(stream.device(), shape);
        convolution->begin_step(stream, weight);
        convolution->forward(stream, from, bias, y);
        stream.synchronize();
      },
      x, random_floats(Shape{16, 3, 3, 4}, 2), random_floats(Shape{16}, 3), Floats(Shape{2, 6, 6, 16}));
  const Floats& y = std::get<3>(results);
  for (std::int64_t o = 0; o < 16; ++o) {
    CHECK(std::isnan(y[o]));
    CHECK_FALSE(std::isnan(y[35 * 16 + o]));
  }
}

TEST_CASE("a convolution planned on a GPU allocates nothing when it runs") {
  on_device(
      0,
      [](StreamView stream, Tensor x, Tensor weight, Tensor bias, Tensor y, Tensor dweight) {
        const auto convolution = plan_convolution(stream.device(), {2, 6, 6, 4, 16, 3, 1, 1});
        const auto before = device_counters().allocations;
        convolution->begin_step(stream, weight);
        convolution->forward(stream, x, bias, y);
        convolution->backward_parameters(stream, x, y, y, GradientMode::accumulate, dweight, bias);
        convolution->backward_data(stream, y, x);
        CHECK(device_counters().allocations == before);
        stream.synchronize();
      },
      Floats(Shape{2, 6, 6, 4}), Floats(Shape{16, 3, 3, 4}), Floats(Shape{16}), Floats(Shape{2, 6, 6, 16}),
      Floats(Shape{16, 3, 3, 4}));
}
