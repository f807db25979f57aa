#include "kernels/linear.hpp"

#include "tests/kernels/support.hpp"
#include "tests/support/test.hpp"

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

// The operands of one layer, and what a pass made of them.
struct Layer {
  LinearShape shape;
  Floats x, weight, bias, dy, y, dweight, dbias, dx;

  explicit Layer(const LinearShape& of)
      : shape(of),
        x(random_floats(Shape{of.batch, of.inputs}, 1)),
        weight(random_floats(Shape{of.outputs, of.inputs}, 2)),
        bias(random_floats(Shape{of.outputs}, 3)),
        dy(random_floats(Shape{of.batch, of.outputs}, 4)),
        y(Shape{of.batch, of.outputs}, 77.0F),
        dweight(Shape{of.outputs, of.inputs}, 2.0F),
        dbias(Shape{of.outputs}, 3.0F),
        dx(Shape{of.batch, of.inputs}, 77.0F) {}

  void compute(GradientMode mode) {
    const auto linear = plan_linear(kHost, shape);
    linear->forward(host_stream(), x, weight, bias, y);
    linear->backward_parameters(host_stream(), x, y, dy, mode, dweight, dbias);
    linear->backward_data(host_stream(), dy, weight, dx);
  }

  // The same in double, by definition.
  void compute_slowly(GradientMode mode) {
    const bool overwrites = mode == GradientMode::overwrite;
    if (overwrites) dweight = Floats(Shape{shape.outputs, shape.inputs});
    if (overwrites) dbias = Floats(Shape{shape.outputs});
    std::vector<double> to_weight(dweight.values().begin(), dweight.values().end());
    std::vector<double> to_x(x.size());
    for (std::int64_t n = 0; n < shape.batch; ++n)
      for (std::int64_t o = 0; o < shape.outputs; ++o) {
        double sum = static_cast<double>(bias[o]);
        for (std::int64_t i = 0; i < shape.inputs; ++i)
          sum += static_cast<double>(x[n * shape.inputs + i]) *
                 static_cast<double>(weight[o * shape.inputs + i]);
        const bool is_cut = shape.activation == Activation::relu && sum <= 0;
        y[n * shape.outputs + o] = is_cut ? 0.0F : static_cast<float>(sum);
        float& gradient = dy[n * shape.outputs + o];
        if (is_cut) gradient = 0;
        dbias[o] += gradient;
        for (std::int64_t i = 0; i < shape.inputs; ++i) {
          to_weight[static_cast<std::size_t>(o * shape.inputs + i)] +=
              static_cast<double>(gradient * x[n * shape.inputs + i]);
          to_x[static_cast<std::size_t>(n * shape.inputs + i)] +=
              static_cast<double>(gradient * weight[o * shape.inputs + i]);
        }
      }
    std::copy(to_weight.begin(), to_weight.end(), dweight.values().begin());
    std::copy(to_x.begin(), to_x.end(), dx.values().begin());
  }
};

void check_equal(const Layer& is, const Layer& should, double tolerance) {
  CHECK(largest_difference(is.y, should.y) < tolerance);
  CHECK(largest_difference(is.dy, should.dy) == 0);
  CHECK(largest_difference(is.dweight, should.dweight) < tolerance);
  CHECK(largest_difference(is.dbias, should.dbias) < tolerance);
  CHECK(largest_difference(is.dx, should.dx) < tolerance);
}

}  // namespace

TEST_CASE("linear layers and their gradients agree with their definition") {
  const Activation activation = GENERATE(Activation::identity, Activation::relu);
  const GradientMode mode = GENERATE(GradientMode::overwrite, GradientMode::accumulate);
  const auto [batch, inputs, outputs] = GENERATE(table<int, int, int>(
      {{1, 1, 1}, {1, 5, 3}, {2, 1, 17}, {33, 19, 1}, {65, 97, 131}, {128, 784, 10}, {0, 4, 5}}));
  Layer is({batch, inputs, outputs, activation});
  Layer should = is;
  is.compute(mode);
  should.compute_slowly(mode);
  check_equal(is, should, 1e-6 * (10 + inputs + outputs + batch));
}

TEST_CASE("the gradients of micro-batches add up to that of the batch") {
  Layer whole({6, 7, 5, Activation::relu});
  Layer first({2, 7, 5, Activation::relu}), rest({4, 7, 5, Activation::relu});
  std::copy_n(whole.x.values().begin(), 14, first.x.values().begin());
  std::copy_n(whole.x.values().begin() + 14, 28, rest.x.values().begin());
  std::copy_n(whole.dy.values().begin(), 10, first.dy.values().begin());
  std::copy_n(whole.dy.values().begin() + 10, 20, rest.dy.values().begin());
  whole.compute(GradientMode::overwrite);
  first.compute(GradientMode::overwrite);
  rest.dweight = first.dweight;
  rest.dbias = first.dbias;
  rest.compute(GradientMode::accumulate);
  CHECK(largest_difference(rest.dweight, whole.dweight) < 1e-5);
  CHECK(largest_difference(rest.dbias, whole.dbias) < 1e-5);
}

TEST_CASE("NaN passes through a linear layer and its relu") {
  const Activation activation = GENERATE(Activation::identity, Activation::relu);
  Layer layer({3, 40, 20, activation});
  layer.x[45] = std::nanf("");
  layer.compute(GradientMode::overwrite);
  for (std::int64_t o = 0; o < 20; ++o) {
    CHECK_FALSE(std::isnan(layer.y[o]));
    CHECK(std::isnan(layer.y[20 + o]));
  }
}

TEST_CASE("a linear layer without inputs or outputs is refused") {
  CHECK_THROWS_AS(plan_linear(kHost, {1, 0, 3}), eightfold::base::InternalError);
  CHECK_THROWS_AS(plan_linear(kHost, {1, 3, 0}), eightfold::base::InternalError);
}

TEST_CASE("a planned layer allocates nothing when it runs") {
  Layer layer({9, 30, 20, Activation::relu});
  const auto linear = plan_linear(kHost, layer.shape);
  const auto before = device_counters().allocations;
  linear->forward(host_stream(), layer.x, layer.weight, layer.bias, layer.y);
  linear->backward_parameters(host_stream(), layer.x, layer.y, layer.dy, GradientMode::accumulate,
                              layer.dweight, layer.dbias);
  linear->backward_data(host_stream(), layer.dy, layer.weight, layer.dx);
  CHECK(device_counters().allocations == before);
}
