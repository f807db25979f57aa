#pragma once

// The optimizers' arithmetic for one parameter, written once for host and device (see
// elementwise_functors.hpp). Operations are ordered by parentheses where it matters: nothing here may be
// contracted or reassociated.

#include "kernels/optimizer.hpp"
#include "kernels/random.hpp"

#include <cmath>
#include <cstdint>

namespace eightfold::kernels {

// The optional factor of the gradient, read where it lives.
EIGHTFOLD_HOST_DEVICE inline float scale_or_one(const float* grad_scale) {
  return grad_scale == nullptr ? 1.0F : *grad_scale;
}

struct PlainSgd {
  SgdStep step;
  float grad_scale;
  const float* g;
  float* w;
  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t i) const {
    const float gradient = grad_scale * g[i] + step.weight_decay * w[i];
    w[i] -= step.learning_rate * gradient;
  }
};

struct MomentumSgd {
  SgdStep step;
  float grad_scale;
  const float* g;
  float* w;
  float* v;
  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t i) const {
    const float gradient = grad_scale * g[i] + step.weight_decay * w[i];
    const float velocity = step.momentum * v[i] + gradient;
    v[i] = velocity;
    w[i] -= step.learning_rate * (step.nesterov ? gradient + step.momentum * velocity : velocity);
  }
};
