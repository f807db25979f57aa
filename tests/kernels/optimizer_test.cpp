#include "kernels/optimizer.hpp"

#include "tests/kernels/support.hpp"
#include "tests/support/test.hpp"

#include <limits>

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

constexpr std::int64_t kCount = 1003;
constexpr int kSteps = 5;

void update(const OptimizerStep& step, ConstTensor scale, ConstTensor g, Tensor w,
            const std::vector<Tensor>& state) {
  optimizer_step(host_stream(), step, {scale, g, w, state});
}

// Runs step(k, gradient, scale, weights) several times on tensors and reference(k, i, g, w) on the same
// numbers in double, g already scaled; both start from the same weights.
template <class Step, class Reference>
void compare_with_reference(const Step& step, const Reference& reference) {
  const float scale_value = GENERATE(1.0F, 0.25F);
  Floats w = random_floats(Shape{kCount}, 1), scale(Shape{1}, scale_value);
  std::vector<double> expected(w.values().begin(), w.values().end());
  for (int k = 1; k <= kSteps; ++k) {
    Floats g = random_floats(Shape{kCount}, 10 + static_cast<std::uint32_t>(k));
    step(k, g, scale_value == 1.0F ? ConstTensor() : ConstTensor(scale), w);
    for (std::int64_t i = 0; i < kCount; ++i)
      reference(k, static_cast<std::size_t>(i), static_cast<double>(scale_value) * static_cast<double>(g[i]),
                expected[static_cast<std::size_t>(i)]);
  }
  std::vector<float> rounded(expected.begin(), expected.end());
  CHECK(largest_difference(w, rounded) < 2e-6);
}

}  // namespace

TEST_CASE("plain SGD follows its formula and needs no state") {
  const SgdStep with{.learning_rate = 0.1F, .weight_decay = 0.01F};
  compare_with_reference([&](int, Floats& g, ConstTensor scale, Floats& w) { update(with, scale, g, w, {}); },
                         [](int, std::size_t, double g, double& w) { w -= 0.1 * (g + 0.01 * w); });
}

TEST_CASE("SGD with momentum follows its formula, Nesterov's too") {
  const bool nesterov = GENERATE(false, true);
  const SgdStep with{.learning_rate = 0.1F, .momentum = 0.9F, .nesterov = nesterov, .weight_decay = 0.01F};
  Floats v(Shape{kCount});
  std::vector<double> velocity(kCount);
  compare_with_reference(
      [&](int k, Floats& g, ConstTensor scale, Floats& w) {
        if (k == 1) std::fill(v.values().begin(), v.values().end(), 0.0F);
        update(with, scale, g, w, {v});
      },
      [&](int k, std::size_t i, double g, double& w) {
        if (k == 1) velocity[i] = 0;
        const double gradient = g + 0.01 * w;
        velocity[i] = 0.9 * velocity[i] + gradient;
        w -= 0.1 * (nesterov ? gradient + 0.9 * velocity[i] : velocity[i]);
      });
}

TEST_CASE("RMSProp follows its formula, with and without momentum") {
  const float momentum = GENERATE(0.0F, 0.5F);
  const RmspropStep with{
      .learning_rate = 0.01F, .decay = 0.9F, .momentum = momentum, .epsilon = 1e-3F, .weight_decay = 0.01F};
  Floats s(Shape{kCount}), v(Shape{kCount});
  std::vector<double> square(kCount), velocity(kCount);
  compare_with_reference(
      [&](int, Floats& g, ConstTensor scale, Floats& w) {
        update(with, scale, g, w, {s, v});
      },
      [&](int, std::size_t i, double g, double& w) {
        const double gradient = g + 0.01 * w;
        square[i] = 0.9 * square[i] + 0.1 * gradient * gradient;
        velocity[i] = static_cast<double>(momentum) * velocity[i] + gradient / (std::sqrt(square[i]) + 1e-3);
        w -= 0.01 * velocity[i];
      });
}

TEST_CASE("AdamW follows its formula") {
  Floats m(Shape{kCount}), v(Shape{kCount});
  std::vector<double> first(kCount), second(kCount);
  compare_with_reference(
      [&](int k, Floats& g, ConstTensor scale, Floats& w) {
        const AdamwStep with{.learning_rate = 0.01F, .weight_decay = 0.1F, .update = k};
        update(with, scale, g, w, {m, v});
      },
      [&](int k, std::size_t i, double g, double& w) {
        first[i] = 0.9 * first[i] + 0.1 * g;
        second[i] = 0.999 * second[i] + 0.001 * g * g;
        const double corrected = first[i] / (1 - std::pow(0.9, k));
        w -= 0.01 * (corrected / (std::sqrt(second[i] / (1 - std::pow(0.999, k))) + 1e-8) + 0.1 * w);
      });
}

TEST_CASE("AdamW's first step moves every weight by the learning rate") {
  Floats w(Shape{3}), g(Shape{3}, {1e-3F, -5, 100}), m(Shape{3}), v(Shape{3});
  update(AdamwStep{.learning_rate = 0.5F, .update = 1}, {}, g, w, {m, v});
  CHECK(w[0] == Approx(-0.5).epsilon(1e-4));
  CHECK(w[1] == Approx(0.5).epsilon(1e-4));
  CHECK(w[2] == Approx(-0.5).epsilon(1e-4));
}

TEST_CASE("Lion follows its formula") {
  Floats m(Shape{kCount});
  std::vector<double> mean(kCount);
  compare_with_reference(
      [&](int k, Floats& g, ConstTensor scale, Floats& w) {
        if (k == 1) std::fill(m.values().begin(), m.values().end(), 0.0F);
        update(LionStep{.learning_rate = 0.01F, .weight_decay = 0.1F}, scale, g, w, {m});
      },
      [&](int k, std::size_t i, double g, double& w) {
        if (k == 1) mean[i] = 0;
        const double direction = 0.9 * mean[i] + 0.1 * g;
        w -= 0.01 * ((direction > 0 ? 1 : -1) + 0.1 * w);
        mean[i] = 0.99 * mean[i] + 0.01 * g;
      });
}

TEST_CASE("Lion leaves a weight without a gradient to its decay, and keeps a NaN") {
  Floats w(Shape{3}, 1.0F), g(Shape{3}, {0, std::numeric_limits<float>::quiet_NaN(), -1e-30F}), m(Shape{3});
  update(LionStep{.learning_rate = 0.5F, .weight_decay = 0.5F}, {}, g, w, {m});
  CHECK(w[0] == 0.75F);
  CHECK(std::isnan(w[1]));
  CHECK(w[2] == 1.25F);
}

TEST_CASE("updates have the same bits on any number of threads") {
  constexpr std::int64_t kMany = 200003;
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2}) {
    with_threads(threads, [&] {
      Floats w = random_floats(Shape{kMany}, 1), g = random_floats(Shape{kMany}, 2), m(Shape{kMany}),
             v(Shape{kMany});
      update(SgdStep{.learning_rate = 0.1F, .momentum = 0.9F, .nesterov = true}, {}, g, w, {m});
      update(RmspropStep{.learning_rate = 0.1F, .momentum = 0.9F}, {}, g, w, {v, m});
      update(AdamwStep{.learning_rate = 0.1F}, {}, g, w, {m, v});
      update(LionStep{.learning_rate = 0.1F}, {}, g, w, {m});
      results.push_back(w.values());
    });
  }
  CHECK(results[0] == results[1]);
}

TEST_CASE("empty arenas step, wrong sizes do not") {
  Floats none(Shape{0});
  CHECK_NOTHROW(update(SgdStep{.learning_rate = 1}, {}, none, none, {}));
  CHECK_NOTHROW(update(AdamwStep{.learning_rate = 1}, {}, none, none, {none, none}));
  Floats w(Shape{3}), g(Shape{2});
  using eightfold::base::InternalError;
  CHECK_THROWS_AS(update(SgdStep{.learning_rate = 1}, {}, g, w, {}), InternalError);
  CHECK_THROWS_AS(update(SgdStep{.learning_rate = 1, .momentum = 0.5F}, {}, w, w, {g}), InternalError);
  CHECK_THROWS_AS(update(AdamwStep{.learning_rate = 1}, {}, w, w, {w}), InternalError);
}

TEST_CASE("a NaN gradient makes its own weight NaN and no other") {
  Floats w(Shape{3}, 1.0F), g(Shape{3}, {1, std::numeric_limits<float>::quiet_NaN(), 1});
  update(SgdStep{.learning_rate = 0.5F}, {}, g, w, {});
  CHECK(w[0] == 0.5F);
  CHECK(std::isnan(w[1]));
  CHECK(w[2] == 0.5F);
}
