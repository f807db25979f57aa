#include "kernels/loss.hpp"

#include "tests/kernels/support.hpp"
#include "tests/support/test.hpp"

#include <limits>

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Result {
  double loss, correct;
};

Result evaluate(Floats& logits, Array<std::int32_t>& labels, std::int64_t samples, float weight,
                Tensor dlogits) {
  Array<double> totals(Shape{2});
  softmax_cross_entropy(host_stream(), logits, labels, samples, weight, totals, dlogits);
  return {totals[0], totals[1]};
}

// -log softmax in double.
double reference_loss(const Floats& logits, std::int64_t row, std::int64_t classes, std::int32_t label) {
  double sum = 0;
  for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(static_cast<double>(logits[row * classes + c]));
  return std::log(sum) - static_cast<double>(logits[row * classes + label]);
}

Array<std::int32_t> labels_for(std::int64_t rows, std::int64_t classes) {
  Array<std::int32_t> labels(Shape{rows});
  for (std::int64_t row = 0; row < rows; ++row) labels[row] = static_cast<std::int32_t>(row * 7 % classes);
  return labels;
}

}  // namespace

TEST_CASE("the loss is the sum over samples and the gradient its derivative") {
  const std::int64_t rows = GENERATE(1, 3, 129), classes = GENERATE(1, 2, 10, 1001);
  Floats logits = random_floats(Shape{rows, classes}, 1), gradient(Shape{rows, classes});
  Array<std::int32_t> labels = labels_for(rows, classes);
  double expected = 0;
  for (std::int64_t row = 0; row < rows; ++row) expected += reference_loss(logits, row, classes, labels[row]);
  CHECK(evaluate(logits, labels, rows, 0.5F, gradient).loss == Approx(expected).epsilon(1e-6).margin(1e-6));
  double worst = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const double normaliser =
        reference_loss(logits, row, classes, 0) + static_cast<double>(logits[row * classes]);
    for (std::int64_t c = 0; c < classes; ++c) {
      const double softmax = std::exp(static_cast<double>(logits[row * classes + c]) - normaliser);
      const double derivative = 0.5 * (softmax - (c == labels[row] ? 1 : 0));
      worst = std::max(worst, std::abs(static_cast<double>(gradient[row * classes + c]) - derivative));
    }
  }
  CHECK(worst < 1e-6);
}

TEST_CASE("the gradient may take the place of the logits, or be left out") {
  Floats logits = random_floats(Shape{9, 5}, 1), gradient(Shape{9, 5});
  Array<std::int32_t> labels = labels_for(9, 5);
  const Result with = evaluate(logits, labels, 9, 1, gradient);
  const Result without = evaluate(logits, labels, 9, 1, {});
  const Result in_place = evaluate(logits, labels, 9, 1, logits);
  CHECK(with.loss == without.loss);
  CHECK(with.loss == in_place.loss);
  CHECK(with.correct == in_place.correct);
  CHECK(logits.values() == gradient.values());
}

TEST_CASE("rows beyond the samples neither count nor learn") {
  Floats logits = random_floats(Shape{8, 4}, 1), few(Shape{8, 4}, 9.0F), all(Shape{8, 4});
  Array<std::int32_t> labels = labels_for(8, 4);
  logits[31] = std::numeric_limits<float>::quiet_NaN();
  const Result result = evaluate(logits, labels, 7, 1, few);
  CHECK(std::isfinite(result.loss));
  for (std::int64_t i = 28; i < 32; ++i) CHECK(few[i] == 0.0F);
  CHECK(evaluate(logits, labels, 0, 1, few).loss == 0);
  CHECK(few.values() == std::vector<float>(32, 0.0F));
}

TEST_CASE("totals are added to, correct predictions are counted, the first maximum predicts") {
  Floats logits(Shape{3, 3}, {1, 2, 0, 5, 5, 1, 0, 0, 3});
  Array<std::int32_t> labels(Shape{3}, {1, 1, 2});
  Array<double> totals(Shape{2}, {100, 10});
  softmax_cross_entropy(host_stream(), logits, labels, 3, 1, totals, {});
  CHECK(totals[1] == 12);
  CHECK(totals[0] > 100);
}

TEST_CASE("extreme logits give finite losses") {
  Floats logits(Shape{2, 3}, {1e4F, -1e4F, 0, -kInfinity, 0, 0});
  Array<std::int32_t> labels(Shape{2}, {1, 1});
  Floats gradient(Shape{2, 3});
  CHECK(evaluate(logits, labels, 2, 1, gradient).loss == Approx(2e4 + std::log(2.0)));
  CHECK(gradient[0] == 1.0F);
  CHECK(gradient[1] == -1.0F);
  CHECK(gradient[3] == 0.0F);
}

TEST_CASE("NaN logits and labels outside the classes make the loss NaN") {
  const std::int64_t at = GENERATE(0, 1, 2);
  Floats logits(Shape{1, 3}, 1.0F);
  Array<std::int32_t> labels(Shape{1}, 1);
  logits[at] = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(evaluate(logits, labels, 1, 1, {}).loss));
  logits[at] = 1;
  for (const std::int32_t wrong : {-1, 3}) {
    labels[0] = wrong;
    CHECK(std::isnan(evaluate(logits, labels, 1, 1, logits).loss));
    logits = Floats(Shape{1, 3}, 1.0F);
  }
}

TEST_CASE("the loss has the same bits on any number of threads") {
  Floats logits = random_floats(Shape{501, 1000}, 1);
  Array<std::int32_t> labels = labels_for(501, 1000);
  std::vector<double> losses;
  for (const int threads : {1, 2, 3})
    with_threads(threads, [&] { losses.push_back(evaluate(logits, labels, 501, 1, {}).loss); });
  CHECK(losses[0] == losses[1]);
  CHECK(losses[0] == losses[2]);
}
