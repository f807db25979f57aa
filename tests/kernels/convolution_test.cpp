#include "kernels/convolution.hpp"

#include "tests/kernels/support.hpp"
#include "tests/support/test.hpp"

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

Shape image(std::int64_t batch, std::int64_t height, std::int64_t width, std::int64_t channels) {
  return {batch, height, width, channels};
}

// The operands of one convolution, and what a pass made of them.
struct Layer {
  ConvolutionShape shape;
  Floats x, weight, bias, dy, y, dweight, dbias, dx;

  explicit Layer(const ConvolutionShape& of)
      : shape(of),
        x(random_floats(image(of.batch, of.height, of.width, of.in_channels), 1)),
        weight(random_floats(Shape{of.out_channels, of.kernel, of.kernel, of.in_channels / of.groups}, 2)),
        bias(random_floats(Shape{of.out_channels}, 3)),
        dy(random_floats(image(of.batch, of.out_height(), of.out_width(), of.out_channels), 4)),
        y(image(of.batch, of.out_height(), of.out_width(), of.out_channels), 77.0F),
        dweight(Shape{of.out_channels, of.kernel, of.kernel, of.in_channels / of.groups}, 2.0F),
        dbias(Shape{of.out_channels}, 3.0F),
        dx(image(of.batch, of.height, of.width, of.in_channels), 77.0F) {}

  void compute(GradientMode mode) {
    const auto convolution = plan_convolution(kHost, shape);
    convolution->begin_step(host_stream(), weight);
    convolution->forward(host_stream(), x, bias, y);
    convolution->backward_parameters(host_stream(), x, y, dy, mode, dweight, dbias);
    convolution->backward_data(host_stream(), dy, dx);
  }

  // Calls visit(index into x, index into weight) for the products that make one output.
  template <class Visit>
  void for_each_product(std::int64_t n, std::int64_t row, std::int64_t column, std::int64_t o,
                        const Visit& visit) const {
    const std::int64_t in = shape.in_channels / shape.groups;
    const std::int64_t first_channel = o / (shape.out_channels / shape.groups) * in;
    for (std::int64_t tap = 0; tap < shape.kernel * shape.kernel; ++tap) {
      const std::int64_t h = row * shape.stride - shape.padding + tap / shape.kernel;
      const std::int64_t w = column * shape.stride - shape.padding + tap % shape.kernel;
      if (h < 0 || h >= shape.height || w < 0 || w >= shape.width) continue;
      for (std::int64_t c = 0; c < in; ++c)
        visit(((n * shape.height + h) * shape.width + w) * shape.in_channels + first_channel + c,
              (o * shape.kernel * shape.kernel + tap) * in + c);
    }
  }

  // The same by definition, sums in double.
  void compute_slowly(GradientMode mode) {
    std::vector<double> to_weight(weight.size()), to_bias(bias.size()), to_x(x.size());
    std::int64_t output = 0;
    for (std::int64_t n = 0; n < shape.batch; ++n)
      for (std::int64_t row = 0; row < shape.out_height(); ++row)
        for (std::int64_t column = 0; column < shape.out_width(); ++column)
          for (std::int64_t o = 0; o < shape.out_channels; ++o, ++output) {
            double sum = static_cast<double>(bias[o]);
            for_each_product(n, row, column, o, [&](std::int64_t i, std::int64_t j) {
              sum += static_cast<double>(x[i]) * static_cast<double>(weight[j]);
            });
            const bool is_cut = shape.activation == Activation::relu && sum <= 0;
            y[output] = is_cut ? 0.0F : static_cast<float>(sum);
            if (is_cut) dy[output] = 0;
            const auto gradient = static_cast<double>(dy[output]);
            to_bias[static_cast<std::size_t>(o)] += gradient;
            for_each_product(n, row, column, o, [&](std::int64_t i, std::int64_t j) {
              to_weight[static_cast<std::size_t>(j)] += gradient * static_cast<double>(x[i]);
              to_x[static_cast<std::size_t>(i)] += gradient * static_cast<double>(weight[j]);
            });
          }
    const double keep = mode == GradientMode::accumulate ? 1 : 0;
    for (std::size_t j = 0; j < to_weight.size(); ++j)
      dweight.values()[j] =
          static_cast<float>(keep * static_cast<double>(dweight.values()[j]) + to_weight[j]);
    for (std::size_t o = 0; o < to_bias.size(); ++o)
      dbias.values()[o] = static_cast<float>(keep * static_cast<double>(dbias.values()[o]) + to_bias[o]);
    std::copy(to_x.begin(), to_x.end(), dx.values().begin());
  }
};

ConvolutionShape shape_of(int batch, int size, int in, int out, int kernel, int stride, int padding,
                          int groups) {
  // Not square: an exchange of height and width must show.
  return {batch, size, size + 3, in, out, kernel, stride, padding, groups};
}

}  // namespace

TEST_CASE("convolutions and their gradients agree with their definition") {
  const Activation activation = GENERATE(Activation::identity, Activation::relu);
  const GradientMode mode = GENERATE(GradientMode::overwrite, GradientMode::accumulate);
  ConvolutionShape shape = GENERATE(shape_of(1, 1, 1, 1, 1, 1, 0, 1), shape_of(2, 5, 1, 32, 5, 1, 2, 1),
                                    shape_of(3, 7, 3, 5, 3, 1, 1, 1), shape_of(2, 9, 16, 32, 3, 2, 1, 1),
                                    shape_of(1, 11, 3, 17, 7, 4, 3, 1), shape_of(2, 6, 32, 64, 5, 1, 2, 1),
                                    shape_of(2, 5, 6, 9, 3, 1, 1, 3), shape_of(2, 5, 32, 32, 3, 1, 1, 2),
                                    shape_of(2, 6, 8, 8, 3, 2, 1, 8), shape_of(0, 6, 8, 8, 3, 2, 1, 1));
  shape.activation = activation;
  Layer is(shape);
  Layer should = is;
  is.compute(mode);
  should.compute_slowly(mode);
  const double tolerance = 1e-6 * static_cast<double>(100 + shape.batch * shape.height * shape.width);
  CHECK(largest_difference(is.y, should.y) < tolerance);
  CHECK(largest_difference(is.dy, should.dy) == 0);
  CHECK(largest_difference(is.dweight, should.dweight) < tolerance);
  CHECK(largest_difference(is.dbias, should.dbias) < tolerance);
  CHECK(largest_difference(is.dx, should.dx) < tolerance);
}

TEST_CASE("a step uses the weights it began with until the next begins") {
  Layer layer({1, 4, 4, 2, 3, 3, 1, 1});
  const auto convolution = plan_convolution(kHost, layer.shape);
  convolution->begin_step(host_stream(), layer.weight);
  convolution->forward(host_stream(), layer.x, layer.bias, layer.y);
  const Floats before = layer.y;
  for (float& value : layer.weight.values()) value *= 2;
  convolution->forward(host_stream(), layer.x, layer.bias, layer.y);
  CHECK(layer.y.values() == before.values());
  convolution->begin_step(host_stream(), layer.weight);
  convolution->forward(host_stream(), layer.x, layer.bias, layer.y);
  CHECK(layer.y.values() != before.values());
}

TEST_CASE("NaN passes through a convolution and its relu") {
  ConvolutionShape shape{2, 6, 6, 4, 16, 3, 1, 1};
  shape.activation = GENERATE(Activation::identity, Activation::relu);
  Layer layer(shape);
  layer.x[0] = std::nanf("");
  layer.compute(GradientMode::overwrite);
  for (std::int64_t o = 0; o < 16; ++o) {
    CHECK(std::isnan(layer.y[o]));
    CHECK_FALSE(std::isnan(layer.y[35 * 16 + o]));
  }
}

TEST_CASE("impossible convolutions are refused") {
  CHECK_THROWS_AS(plan_convolution(kHost, {1, 2, 2, 1, 1, 3, 1, 0}), eightfold::base::InternalError);
  CHECK_THROWS_AS(plan_convolution(kHost, {1, 4, 4, 3, 4, 3, 1, 1, 2}), eightfold::base::InternalError);
}

TEST_CASE("a planned convolution allocates nothing when it runs") {
  Layer layer({2, 6, 6, 4, 16, 3, 1, 1});
  const auto convolution = plan_convolution(kHost, layer.shape);
  const auto before = device_counters().allocations;
  convolution->begin_step(host_stream(), layer.weight);
  convolution->forward(host_stream(), layer.x, layer.bias, layer.y);
  convolution->backward_parameters(host_stream(), layer.x, layer.y, layer.dy, GradientMode::accumulate,
                                   layer.dweight, layer.dbias);
  convolution->backward_data(host_stream(), layer.dy, layer.dx);
  CHECK(device_counters().allocations == before);
}
