#include "kernels/loss.hpp"

#include "tests/kernels/cuda/support.hpp"

#include <limits>

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Array<std::int32_t> labels_for(std::int64_t rows, std::int64_t classes) {
  Array<std::int32_t> labels(Shape{rows});
  for (std::int64_t row = 0; row < rows; ++row) labels[row] = static_cast<std::int32_t>(row * 7 % classes);
  return labels;
}

// exp, log and the order of additions differ by a few units in the last place of fp32.
constexpr double kTolerance = 2e-6;

void check_loss(const Floats& logits, const Array<std::int32_t>& labels, std::int64_t samples) {
  Floats x = logits;
  const Shape shape = x.tensor().shape();
  check_within(
      kTolerance, 0,
      [&](StreamView stream, Tensor from, Tensor label, Tensor totals, Tensor gradient) {
        softmax_cross_entropy(stream, from, label, samples, 0.5F, totals, gradient);
      },
      logits, labels, Array<double>(Shape{2}, {100, 10}), Floats(shape, 9.0F));
}

}  // namespace

TEST_CASE("loss and gradient on a GPU agree with the host") {
  const std::int64_t rows = GENERATE(1, 3, 130), classes = GENERATE(1, 2, 10, 33, 1025);
  const Floats logits = random_floats(Shape{rows, classes}, 1);
  check_loss(logits, labels_for(rows, classes), rows);
  check_loss(logits, labels_for(rows, classes), rows / 2);
  check_loss(logits, labels_for(rows, classes), 0);
}

TEST_CASE("more rows than blocks are all counted once") {
  check_loss(random_floats(Shape{2500, 3}, 1), labels_for(2500, 3), 2499);
}

TEST_CASE("a pass without rows changes no totals") {
  check_loss(Floats(Shape{0, 5}), Array<std::int32_t>(Shape{0}), 0);
}

TEST_CASE("the first of equal maxima predicts on a GPU, wherever its lane") {
  Floats logits(Shape{3, 70});
  logits[34] = logits[66] = 1;            // the same lane
  logits[70 + 65] = logits[70 + 40] = 1;  // the first in a later lane
  const Array<std::int32_t> labels(Shape{3}, {34, 40, 0});
  check_loss(logits, labels, 3);
}

TEST_CASE("the gradient may take the place of the logits on a GPU, or be left out") {
  const Floats logits = random_floats(Shape{9, 1500}, 1);
  const auto in_place = [](StreamView stream, Tensor x, Tensor label, Tensor totals) {
    softmax_cross_entropy(stream, x, label, 8, 1, totals, x);
  };
  const auto without = [](StreamView stream, Tensor x, Tensor label, Tensor totals) {
    softmax_cross_entropy(stream, x, label, 8, 1, totals, {});
  };
  check_within(kTolerance, 1, in_place, logits, labels_for(9, 1500), Array<double>(Shape{2}));
  check_within(kTolerance, 0, without, logits, labels_for(9, 1500), Array<double>(Shape{2}));
}

TEST_CASE("extreme logits on a GPU give what they give on the host") {
  check_loss(Floats(Shape{2, 3}, {1e4F, -1e4F, 0, -kInfinity, 0, 0}), Array<std::int32_t>(Shape{2}, 1), 2);
  check_loss(Floats(Shape{1, 3}, -kInfinity), Array<std::int32_t>(Shape{1}, 1), 1);
}

TEST_CASE("NaN logits and labels outside the classes make the loss NaN on a GPU") {
  const std::int64_t at = GENERATE(0, 1, 2);
  Floats logits(Shape{1, 3}, 1.0F);
  const auto loss_of = [](const Floats& x, std::int32_t label) {
    return std::get<2>(on_device(
        0,
        [](StreamView stream, Tensor from, Tensor labels, Tensor totals) {
          softmax_cross_entropy(stream, from, labels, 1, 1, totals, {});
        },
        x, Array<std::int32_t>(Shape{1}, label), Array<double>(Shape{2})))[0];
  };
  CHECK(std::isnan(loss_of(logits, -1)));
  CHECK(std::isnan(loss_of(logits, 3)));
  CHECK_FALSE(std::isnan(loss_of(logits, 1)));
  logits[at] = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(loss_of(logits, 1)));
}
