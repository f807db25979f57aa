#include "runtime/model/model.hpp"

#include "tests/runtime/model/nets.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <cmath>

using namespace eightfold;
using namespace eightfold::runtime;
using namespace eightfold::runtime::model;

namespace {

// Two networks that compute the same with the same parameters, in this layout.
void copy_weights(const Net& from, const Net& to) {
  REQUIRE(from.weights().size() == to.weights().size());
  std::copy(from.weights().begin(), from.weights().end(), to.weights().begin());
}

// Whether both give the same bits. A dropout of rate 0 computes nothing and keeps its neighbours apart, so
// that `apart` runs as it is written.
bool same_bits(const std::vector<config::Layer>& layers, const std::vector<config::Layer>& apart) {
  Net net(layers, {9, 8, 2}, 3, 6), reference(apart, {9, 8, 2}, 3, 6);
  copy_weights(reference, net);
  const Net::Result mine = net.train(), expected = reference.train();
  return mine.loss == expected.loss && mine.correct == expected.correct &&
         mine.gradients == expected.gradients &&
         std::any_of(mine.gradients.begin(), mine.gradients.end(), [](float value) { return value != 0; });
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
    scale = std::max(scale, std::abs(static_cast<double>(b[i])));
  }
  return largest / scale;
}

std::vector<config::Layer> small_convnet() {
  return {conv2d(5, 3, 1), relu(), max_pool(2), linear(7), relu(), dropout(0.4), linear(3)};
}

}  // namespace

TEST_CASE("relu fused into conv2d gives the bits of the two layers apart") {
  CHECK(same_bits({conv2d(5, 3, 1), relu(), linear(3)}, {conv2d(5, 3, 1), dropout(0), relu(), linear(3)}));
}

TEST_CASE("relu fused into linear gives the bits of the two layers apart") {
  CHECK(same_bits({linear(40), relu(), linear(3)}, {linear(40), dropout(0), relu(), linear(3)}));
}

TEST_CASE("relu behind max_pool instead of before it gives the same bits") {
  CHECK(same_bits({conv2d(5, 3, 1), relu(), max_pool(2), linear(3)},
                  {conv2d(5, 3, 1), dropout(0), relu(), dropout(0), max_pool(2), linear(3)}));
  CHECK(same_bits({conv2d(5, 3), relu(), max_pool(3, 2, 1), conv2d(4, 2), relu(), linear(3)},
                  {conv2d(5, 3), dropout(0), relu(), dropout(0), max_pool(3, 2, 1), conv2d(4, 2), dropout(0),
                   relu(), linear(3)}));
}

TEST_CASE("relu passes through several poolings") {
  CHECK(same_bits(
      {conv2d(5, 3, 1), relu(), max_pool(2), max_pool(2), linear(3)},
      {conv2d(5, 3, 1), dropout(0), relu(), dropout(0), max_pool(2), dropout(0), max_pool(2), linear(3)}));
}

TEST_CASE("parameters are named by their place in the job and stand where they are complete first") {
  Net net(small_convnet(), {6, 6, 1}, 3, 4);
  const std::vector<Parameter>& parameters = net.model().parameters();
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters) names.push_back(parameter.name);
  CHECK(names == std::vector<std::string>{"layer6.linear.weight", "layer6.linear.bias",
                                          "layer3.linear.weight", "layer3.linear.bias",
                                          "layer0.conv2d.weight", "layer0.conv2d.bias"});
  std::int64_t padded_end = 0;
  for (const Parameter& parameter : parameters) {
    CHECK(parameter.span.begin == padded_end);
    CHECK(parameter.span.end - parameter.span.begin == parameter.spec.shape.elements());
    padded_end = quant8::whole_blocks(parameter.span.end);
  }
  CHECK(net.model().weights().elements() == padded_end);
  CHECK(net.model().gradients().elements() == padded_end);
}

TEST_CASE("gradients become ready from the front of the arena to its end") {
  Net net(small_convnet(), {6, 6, 1}, 3, 4);
  const Net::Result result = net.train();
  const std::vector<Parameter>& parameters = net.model().parameters();
  CHECK(result.ready == std::vector<std::int64_t>{parameters[2].span.begin, parameters[4].span.begin,
                                                  net.model().gradients().elements()});
}

TEST_CASE("the padding of both arenas stays zero") {
  Net net(small_convnet(), {6, 6, 1}, 3, 4);
  const Net::Result result = net.train();
  std::vector<bool> is_padding(result.gradients.size(), true);
  for (const Parameter& parameter : net.model().parameters())
    std::fill(is_padding.begin() + parameter.span.begin, is_padding.begin() + parameter.span.end, false);
  bool all_zero = true;
  for (std::size_t i = 0; i < is_padding.size(); ++i)
    if (is_padding[i]) all_zero = all_zero && result.gradients[i] == 0 && net.weights()[i] == 0;
  CHECK(all_zero);
  CHECK(std::count(is_padding.begin(), is_padding.end(), true) > 0);
}

TEST_CASE("passes that accumulate give the gradient of one pass over all samples") {
  constexpr std::int64_t kBatch = 12;
  Net whole(small_convnet(), {6, 6, 1}, 3, kBatch);
  const Net::Result expected = whole.train(1.0F / kBatch);
  for (const std::int64_t rows : {1, 3, 4, 6}) {
    Net part(small_convnet(), {6, 6, 1}, 3, rows);
    copy_weights(whole, part);
    Net::Result result;
    double loss = 0;
    for (std::int64_t first = 0; first < kBatch; first += rows) {
      part.load(first, rows);
      const auto mode = first == 0 ? kernels::GradientMode::overwrite : kernels::GradientMode::accumulate;
      result =
          part.train(layers::PassContext{layers::Phase::training, 3, 2, first, rows, mode}, 1.0F / kBatch);
      loss += result.loss;
    }
    CAPTURE(rows);
    CHECK(largest_difference(result.gradients, expected.gradients) < 1e-6);
    CHECK(loss == Approx(expected.loss).epsilon(1e-6));
  }
}

TEST_CASE("an overwriting pass forgets the gradients before it") {
  Net net(small_convnet(), {6, 6, 1}, 3, 4);
  const Net::Result first = net.train();
  CHECK(net.train().gradients == first.gradients);
}

TEST_CASE("rows beyond the samples teach nothing, whatever they hold") {
  Net net(small_convnet(), {6, 6, 1}, 3, 8);
  const layers::PassContext pass{.seed = 3, .step = 2, .samples = 5};
  net.load(0, 8);
  const Net::Result with_rest = net.train(pass, 1.0F);
  const double evaluated = net.evaluate(5).loss;
  const auto per_row = static_cast<std::size_t>(net.model().input().elements() / 8);
  std::fill(net.model().input().span<float>().begin() + 5 * static_cast<std::ptrdiff_t>(per_row),
            net.model().input().span<float>().end(), 1e4F);
  const Net::Result with_other = net.train(pass, 1.0F);
  CHECK(with_other.loss == with_rest.loss);
  CHECK(with_other.correct == with_rest.correct);
  CHECK(with_other.gradients == with_rest.gradients);
  CHECK(net.evaluate(5).loss == evaluated);
}

TEST_CASE("a pass without samples has no loss and a gradient of zeros") {
  Net net(small_convnet(), {6, 6, 1}, 3, 4);
  net.train();
  const Net::Result result = net.train(layers::PassContext{.samples = 0}, 1.0F);
  CHECK(result.loss == 0);
  CHECK(result.correct == 0);
  CHECK(
      std::all_of(result.gradients.begin(), result.gradients.end(), [](float value) { return value == 0; }));
}

TEST_CASE("dropout depends on seed, step and sample, and is absent from evaluation") {
  Net net({dropout(0.5), linear(3)}, {6, 6, 1}, 3, 4);
  const auto loss = [&](std::uint64_t seed, std::int64_t step, std::int64_t first) {
    net.load(0, 4);  // a pass overwrites its input
    return net.train(layers::PassContext{.seed = seed, .step = step, .first = first, .samples = 4}, 1.0F)
        .loss;
  };
  const double once = loss(1, 1, 0);
  CHECK(loss(1, 1, 0) == once);
  CHECK(loss(2, 1, 0) != once);
  CHECK(loss(1, 2, 0) != once);
  CHECK(loss(1, 1, 4) != once);
  Net plain({linear(3)}, {6, 6, 1}, 3, 4);
  copy_weights(net, plain);
  net.load(0, 4);
  plain.load(0, 4);
  CHECK(net.evaluate(4).loss == plain.evaluate(4).loss);
}

TEST_CASE("initial weights follow from the seed alone, and biases start as the job says") {
  config::Layer biased = linear(3);
  biased.values["init_bias"] = 0.25;
  const config::Model config = network({linear(50), biased});
  const kernels::Stream stream(kernels::Device{});
  Model one(config, kernels::Device{}, {4, 4, 1}, 3, 2), two(config, kernels::Device{}, {4, 4, 1}, 3, 9);
  const auto bits = [](const Model& model) {
    const auto span = model.weights().span<float>();
    return std::vector<float>(span.begin(), span.end());
  };
  one.initialize(1, stream);
  two.initialize(1, stream);
  CHECK(bits(one) == bits(two));
  const Parameter& bias = one.parameters()[1];
  CHECK(bits(one)[static_cast<std::size_t>(bias.span.begin)] == 0.25F);
  CHECK(bits(one)[static_cast<std::size_t>(one.parameters()[3].span.begin)] == 0.0F);
  two.initialize(2, stream);
  CHECK(bits(one) != bits(two));
}

TEST_CASE("the products of a training step are counted forward and backward, without the input's gradient") {
  // linear 4 -> 5: 2 * 4 * 5 a row, twice; linear 5 -> 3: 2 * 5 * 3 a row, three times.
  Net linear_net({linear(5), linear(3)}, {1, 4, 1}, 3, 7);
  CHECK(linear_net.model().training_flops() == 7.0 * (2 * 40 + 3 * 30));
  // conv2d 3 x 3 x 2 -> 4 on 4 x 4 outputs, first layer.
  Net conv_net({conv2d(4, 3), average_pool(4), linear(3)}, {6, 6, 2}, 3, 2);
  CHECK(conv_net.model().training_flops() == 2.0 * (2 * 2 * 16 * 4 * 18 + 3 * 2 * 4 * 3));
}
