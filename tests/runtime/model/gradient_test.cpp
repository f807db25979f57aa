// The gradients of Model::train against finite differences of the loss it reports.
#include "tests/runtime/model/nets.hpp"
#include "tests/support/test.hpp"

#include <cmath>

using namespace eightfold;
using namespace eightfold::runtime;
using namespace eightfold::runtime::model;

namespace {

// The loss in fp32 is good to about 1e-6 of its value, so a central difference over 2 kStep is good to
// 1e-6 / 2e-2 in the loss and to kStep^2 in the curvature: 1e-3 of the gradient's norm bounds both.
constexpr float kStep = 1e-2F;
constexpr double kTolerance = 1e-3;

double norm(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return std::sqrt(sum);
}

double loss_with(Net& net, std::size_t at, float change) {
  const float kept = net.weights()[at];
  net.weights()[at] = kept + change;
  const double loss = net.train().loss;
  net.weights()[at] = kept;
  return loss;
}

// The largest difference of a parameter's derivative from its finite difference, over the gradient's norm.
double worst_difference(Net& net) {
  const std::vector<float> gradient = net.train().gradients;
  double worst = 0;
  for (const Parameter& parameter : net.model().parameters()) {
    for (auto i = static_cast<std::size_t>(parameter.span.begin);
         i < static_cast<std::size_t>(parameter.span.end); ++i) {
      const double difference = (loss_with(net, i, kStep) - loss_with(net, i, -kStep)) / (2.0 * kStep);
      worst = std::max(worst, std::abs(difference - gradient[i]));
    }
  }
  return worst / norm(gradient);
}

}  // namespace

TEST_CASE("the gradient of one linear layer is its finite difference") {
  Net net({linear(3)}, {2, 2, 1}, 3, 5);
  CHECK(worst_difference(net) < kTolerance);
}

TEST_CASE("the gradient reaches through two linear layers") {
  Net net({linear(6), linear(3)}, {1, 5, 1}, 3, 4);
  CHECK(worst_difference(net) < kTolerance);
}

TEST_CASE("the gradient of a convolution with padding, stride and groups is its finite difference") {
  Net net({conv2d(4, 3, 1, 2, 2), linear(3)}, {5, 4, 2}, 3, 3);
  CHECK(worst_difference(net) < kTolerance);
}

TEST_CASE("the gradient reaches through two convolutions and an average") {
  Net net({conv2d(3, 3, 1), average_pool(2), conv2d(2, 2), linear(3)}, {6, 6, 1}, 3, 2);
  CHECK(worst_difference(net) < kTolerance);
}

TEST_CASE("the gradient reaches through tanh") {
  Net net({linear(5), layer("tanh"), linear(4), layer("tanh"), linear(3)}, {3, 3, 1}, 3, 2);
  CHECK(worst_difference(net) < kTolerance);
}

TEST_CASE("the gradient reaches through local response normalisation") {
  const config::Layer strong = layer("lrn", {{"size", std::int64_t{3}}, {"alpha", 0.5}, {"k", 1.0}});
  Net net({conv2d(4, 2), strong, linear(3)}, {3, 3, 2}, 3, 2);
  CHECK(worst_difference(net) < kTolerance);
}

TEST_CASE("the gradient of a network with dropout is that of the units that stayed") {
  Net net({linear(8), dropout(0.5), linear(3)}, {1, 4, 1}, 3, 4);
  CHECK(worst_difference(net) < kTolerance);
}

// Where a kink of relu or max_pool lies within the step, a finite difference is not the derivative; a sum
// over few of many parameters hides nothing at this tolerance but forgives those.
TEST_CASE("the gradient reaches through relu and max_pool, fused or not") {
  const std::vector<std::vector<config::Layer>> networks = {
      {conv2d(4, 3, 1), relu(), max_pool(2), linear(3)},
      {conv2d(4, 3, 1), max_pool(2), relu(), linear(3)},
      {conv2d(4, 3, 1), dropout(0), relu(), dropout(0), max_pool(3, 2, 1), linear(8), relu(), linear(3)},
  };
  for (const auto& layers : networks) {
    Net net(layers, {6, 6, 1}, 3, 4);
    CHECK(worst_difference(net) < 20 * kTolerance);
  }
}
