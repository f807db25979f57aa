#include "kernels/linear.hpp"

#include "tests/kernels/cuda/support.hpp"

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

// A whole pass; what it makes is compared with the host. The sign of an output decides over its gradient, so
// outputs are kept away from 0: the bias is large, of either sign.
void check_layer(const LinearShape& shape, GradientMode mode, std::int64_t offset) {
  const Shape x{shape.batch, shape.inputs}, weight{shape.outputs, shape.inputs}, bias{shape.outputs},
      y{shape.batch, shape.outputs};
  Floats biases(bias);
  for (std::int64_t o = 0; o < shape.outputs; ++o)
    biases[o] = static_cast<float>(o % 2 == 0 ? shape.inputs + 1 : -shape.inputs - 1);
  check_within(
      1e-6 * static_cast<double>(10 + shape.inputs + shape.outputs + shape.batch), offset,
      [&](StreamView stream, Tensor from, Tensor w, Tensor b, Tensor dy, Tensor to, Tensor dweight,
          Tensor dbias, Tensor dx) {
        const auto linear = plan_linear(stream.device(), shape);
        linear->forward(stream, from, w, b, to);
        linear->backward_parameters(stream, from, to, dy, mode, dweight, dbias);
        linear->backward_data(stream, dy, w, dx);
        stream.synchronize();
      },
      random_floats(x, 1), random_floats(weight, 2), biases, random_floats(y, 4), Floats(y, 77.0F),
      Floats(weight, 2.0F), Floats(bias, 3.0F), Floats(x, 77.0F));
}

}  // namespace

TEST_CASE("linear layers and their gradients on a GPU agree with the host") {
  const Activation activation = GENERATE(Activation::identity, Activation::relu);
  const GradientMode mode = GENERATE(GradientMode::overwrite, GradientMode::accumulate);
  const auto [batch, inputs, outputs] = GENERATE(table<int, int, int>({{1, 1, 1},
                                                                       {1, 5, 3},
                                                                       {2, 1, 17},
                                                                       {33, 19, 1},
                                                                       {65, 97, 131},
                                                                       {128, 784, 10},
                                                                       {64, 32, 64},
                                                                       {0, 4, 5}}));
  check_layer({batch, inputs, outputs, activation}, mode, 0);
}

TEST_CASE("linear layers on a GPU take tensors at any address") {
  check_layer({16, 32, 24, Activation::relu}, GradientMode::accumulate, 1);
  check_layer({5, 7, 3, Activation::relu}, GradientMode::overwrite, 3);
}

TEST_CASE("NaN passes through a linear layer and its relu on a GPU") {
  const Activation activation = GENERATE(Activation::identity, Activation::relu);
  const LinearShape shape{3, 40, 20, activation};
  Floats x = random_floats(Shape{3, 40}, 1);
  x[45] = std::nanf("");
  const auto results = on_device(
      0,
      [&](StreamView stream, Tensor from, Tensor weight, Tensor bias, Tensor y) {
        const auto linear = plan_linear(stream.device(), shape);
        linear->forward(stream, from, weight, bias, y);
        stream.synchronize();
      },
      x, random_floats(Shape{20, 40}, 2), random_floats(Shape{20}, 3), Floats(Shape{3, 20}));
  const Floats& y = std::get<3>(results);
  for (std::int64_t o = 0; o < 20; ++o) {
    CHECK_FALSE(std::isnan(y[o]));
    CHECK(std::isnan(y[20 + o]));
  }
}

TEST_CASE("a linear layer planned on a GPU allocates nothing when it runs") {
  on_device(
      0,
      [](StreamView stream, Tensor x, Tensor weight, Tensor bias, Tensor y, Tensor dweight) {
        const auto linear = plan_linear(stream.device(), {9, 30, 20, Activation::relu});
        const auto before = device_counters().allocations;
        linear->forward(stream, x, weight, bias, y);
        linear->backward_parameters(stream, x, y, y, GradientMode::accumulate, dweight, bias);
        linear->backward_data(stream, y, weight, x);
        CHECK(device_counters().allocations == before);
        stream.synchronize();
      },
      Floats(Shape{9, 30}), Floats(Shape{20, 30}), Floats(Shape{20}), Floats(Shape{9, 20}),
      Floats(Shape{20, 30}));
}
