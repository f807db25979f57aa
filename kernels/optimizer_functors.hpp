#pragma once

// The optimizers' arithmetic for one parameter, written once for host and device (see
// elementwise_functors.hpp). Both compilers are told not to fuse multiplications with additions: the order
// written is the order computed.

#include "kernels/optimizer.hpp"
#include "kernels/random.hpp"

#include <cmath>
#include <cstdint>
#include <span>

namespace eightfold::kernels {

// The gradient with its optional factor, which is read where it lives.
struct ScaledGradient {
  const float* g;
  const float* grad_scale;  // may be null
  float scale = 1;

  EIGHTFOLD_HOST_DEVICE void prepare() {
    if (grad_scale != nullptr) scale = *grad_scale;
  }
  EIGHTFOLD_HOST_DEVICE float operator[](std::int64_t i) const { return scale * g[i]; }
};

struct PlainSgd {
  SgdStep step;
  ScaledGradient gradient;
  float* w;

  EIGHTFOLD_HOST_DEVICE void prepare() { gradient.prepare(); }
  template <class Visit>
  EIGHTFOLD_HOST_DEVICE void each_operand(Visit& visit) {
    visit(gradient.g);
    visit(w);
  }
  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t i) const {
    const float g = gradient[i] + step.weight_decay * w[i];
    w[i] -= step.learning_rate * g;
  }
};

struct MomentumSgd {
  SgdStep step;
  ScaledGradient gradient;
  float* w;
  float* v;

  EIGHTFOLD_HOST_DEVICE void prepare() { gradient.prepare(); }
  template <class Visit>
  EIGHTFOLD_HOST_DEVICE void each_operand(Visit& visit) {
    visit(gradient.g);
    visit(w);
    visit(v);
  }
  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t i) const {
    const float g = gradient[i] + step.weight_decay * w[i];
    const float velocity = step.momentum * v[i] + g;
    v[i] = velocity;
    w[i] -= step.learning_rate * (step.nesterov ? g + step.momentum * velocity : velocity);
  }
};

template <bool kMomentum>
struct Rmsprop {
  RmspropStep step;
  ScaledGradient gradient;
  float* w;
  float* s;
  float* v;  // only with momentum

  EIGHTFOLD_HOST_DEVICE void prepare() { gradient.prepare(); }
  template <class Visit>
  EIGHTFOLD_HOST_DEVICE void each_operand(Visit& visit) {
    visit(gradient.g);
    visit(w);
    visit(s);
    if constexpr (kMomentum) visit(v);
  }
  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t i) const {
    const float g = gradient[i] + step.weight_decay * w[i];
    s[i] = step.decay * s[i] + (1 - step.decay) * (g * g);
    float update = g / (std::sqrt(s[i]) + step.epsilon);
    if constexpr (kMomentum) {
      update += step.momentum * v[i];
      v[i] = update;
    }
    w[i] -= step.learning_rate * update;
  }
};

struct Adamw {
  AdamwStep step;
  ScaledGradient gradient;
  float* w;
  float* m;
  float* v;
  float correction1;  // 1 / (1 - beta1^update)
  float correction2;

  // The corrections are computed in double: 1 - beta2^update loses half its digits in fp32 for early updates.
  Adamw(const AdamwStep& with, const ScaledGradient& from, float* weights, float* first_moment,
        float* second_moment)
      : step(with),
        gradient(from),
        w(weights),
        m(first_moment),
        v(second_moment),
        correction1(bias_correction(with.beta1, with.update)),
        correction2(bias_correction(with.beta2, with.update)) {}

  EIGHTFOLD_HOST_DEVICE void prepare() { gradient.prepare(); }
  template <class Visit>
  EIGHTFOLD_HOST_DEVICE void each_operand(Visit& visit) {
    visit(gradient.g);
    visit(w);
    visit(m);
    visit(v);
  }
  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t i) const {
    const float g = gradient[i];
    m[i] = step.beta1 * m[i] + (1 - step.beta1) * g;
    v[i] = step.beta2 * v[i] + (1 - step.beta2) * (g * g);
    const float update = (correction1 * m[i]) / (std::sqrt(correction2 * v[i]) + step.epsilon);
    w[i] -= step.learning_rate * (update + step.weight_decay * w[i]);
  }

 private:
  static float bias_correction(float beta, std::int64_t update) {
    return static_cast<float>(1 / (1 - std::pow(static_cast<double>(beta), static_cast<double>(update))));
  }
};

struct Lion {
  LionStep step;
  ScaledGradient gradient;
  float* w;
  float* m;

  EIGHTFOLD_HOST_DEVICE void prepare() { gradient.prepare(); }
  template <class Visit>
  EIGHTFOLD_HOST_DEVICE void each_operand(Visit& visit) {
    visit(gradient.g);
    visit(w);
    visit(m);
  }
  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t i) const {
    const float g = gradient[i];
    const float direction = step.beta1 * m[i] + (1 - step.beta1) * g;
    m[i] = step.beta2 * m[i] + (1 - step.beta2) * g;
    w[i] -= step.learning_rate * (sign(direction) + step.weight_decay * w[i]);
  }

 private:
  EIGHTFOLD_HOST_DEVICE static float sign(float x) { return x > 0 ? 1.0F : x < 0 ? -1.0F : x; }
};

// The operands of a step where they lie.
struct OptimizerMemory {
  ScaledGradient gradient;
  float* w;
  std::span<const Tensor> state;

  explicit OptimizerMemory(const OptimizerOperands& operands)
      : gradient{operands.g.as<float>(),
                 operands.grad_scale.is_absent() ? nullptr : operands.grad_scale.as<float>()},
        w(operands.w.as<float>()),
        state(operands.state) {}

  float* of_state(std::size_t index) const { return state[index].as<float>(); }
};

// Calls run() with the functor of a step: without momentum there is no velocity to touch.
template <class Run>
void with_functor(const SgdStep& step, const OptimizerMemory& at, const Run& run) {
  if (step.momentum == 0) return run(PlainSgd{step, at.gradient, at.w});
  run(MomentumSgd{step, at.gradient, at.w, at.of_state(0)});
}
template <class Run>
void with_functor(const RmspropStep& step, const OptimizerMemory& at, const Run& run) {
  if (step.momentum == 0) return run(Rmsprop<false>{step, at.gradient, at.w, at.of_state(0), nullptr});
  run(Rmsprop<true>{step, at.gradient, at.w, at.of_state(0), at.of_state(1)});
}
template <class Run>
void with_functor(const AdamwStep& step, const OptimizerMemory& at, const Run& run) {
  run(Adamw(step, at.gradient, at.w, at.of_state(0), at.of_state(1)));
}
template <class Run>
void with_functor(const LionStep& step, const OptimizerMemory& at, const Run& run) {
  run(Lion{step, at.gradient, at.w, at.of_state(0)});
}

}  // namespace eightfold::kernels
