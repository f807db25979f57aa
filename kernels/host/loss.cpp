#include "kernels/host/parallel.hpp"
#include "kernels/operations.hpp"

#include <cmath>
#include <limits>

namespace eightfold::kernels::host {
namespace {

// One row: its loss, and through `gradient` (may be null, may be the logits) weight * (softmax - one-hot).
double row_loss(const float* logits, std::int64_t classes, std::int32_t label, float weight,
                float* gradient) {
  // Without the maximum exp() would overflow from a logit of 89 on.
  float maximum = logits[0];
  for (std::int64_t c = 1; c < classes; ++c) maximum = std::max(maximum, logits[c]);
  const bool is_valid = label >= 0 && label < classes;
  const double own = is_valid ? static_cast<double>(logits[label]) : std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (std::int64_t c = 0; c < classes; ++c) sum += static_cast<double>(std::exp(logits[c] - maximum));
  const double loss = std::log(sum) + static_cast<double>(maximum) - own;
  if (gradient == nullptr) return loss;
  const auto factor = static_cast<float>(static_cast<double>(weight) / sum);
  for (std::int64_t c = 0; c < classes; ++c) gradient[c] = factor * std::exp(logits[c] - maximum);
  if (is_valid) gradient[label] -= weight;
  return loss;
}

// The first of equal maxima.
std::int64_t predicted_class(const float* logits, std::int64_t classes) {
  return std::max_element(logits, logits + classes) - logits;
}

}  // namespace

void softmax_cross_entropy(StreamView, ConstTensor logits, ConstTensor labels, std::int64_t samples,
                           float weight, Tensor totals, Tensor dlogits) {
  const std::int64_t rows = logits.shape()[0], classes = logits.shape()[1];
  const float* x = logits.as<float>();
  const std::int32_t* label = labels.as<std::int32_t>();
  float* dx = dlogits.is_absent() ? nullptr : dlogits.as<float>();

  // Predictions before gradients: the gradient may overwrite the logits.
  const double correct = sum_over_chunks(samples, classes, [&](std::int64_t first, std::int64_t last) {
    double hits = 0;
    for (std::int64_t row = first; row < last; ++row)
      hits += predicted_class(x + row * classes, classes) == label[row];
    return hits;
  });
  const double loss = sum_over_chunks(samples, classes, [&](std::int64_t first, std::int64_t last) {
    double sum = 0;
    for (std::int64_t row = first; row < last; ++row)
      sum += row_loss(x + row * classes, classes, label[row], weight,
                      dx == nullptr ? nullptr : dx + row * classes);
    return sum;
  });
  // Rows beyond the samples are padding (docs/decisions/0005-padded-passes.md).
  if (dx != nullptr) std::fill(dx + samples * classes, dx + rows * classes, 0.0F);
  totals.as<double>()[0] += loss;
  totals.as<double>()[1] += correct;
}

}  // namespace eightfold::kernels::host
