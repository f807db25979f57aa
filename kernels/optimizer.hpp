#pragma once

// Weight updates over a whole arena in one pass. Bitwise reproducible: each element by itself, in a fixed
// order of operations.

#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

namespace eightfold::kernels {

// All fp32 and of w's size, on the stream's device.
struct OptimizerOperands {
  ConstTensor grad_scale;  // one number, which multiplies g (gradient clipping), or absent for 1
  ConstTensor g;           // gradient
  Tensor w;                // parameters
  // What the step keeps from one update to the next, in the order that it names; first it is all zeros.
  std::span<const Tensor> state;
};

// The steps. states(): how many tensors of state it reads and writes.

// v = momentum v + g;  w -= learning_rate * (nesterov ? g + momentum v : v). Sutskever et al. 2013, in the
// form of PyTorch. State: v, with momentum above 0.
struct SgdStep {
  float learning_rate = 0;
  float momentum = 0;
  bool nesterov = false;
  float weight_decay = 0;  // added to the gradient: g + weight_decay w

  std::size_t states() const { return momentum == 0 ? 0 : 1; }
};

// s = decay s + (1 - decay) g^2;  u = g / (sqrt(s) + epsilon);  v = momentum v + u;  w -= learning_rate v.
// Tieleman and Hinton 2012, lecture 6e. State: s and, with momentum above 0, v.
struct RmspropStep {
  float learning_rate = 0;
  float decay = 0.9F;
  float momentum = 0;
  float epsilon = 1e-8F;
  float weight_decay = 0;  // added to the gradient

  std::size_t states() const { return momentum == 0 ? 1 : 2; }
};

// Loshchilov and Hutter 2019, algorithm 2. State: first and second moment.
struct AdamwStep {
  float learning_rate = 0;
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float epsilon = 1e-8F;
  float weight_decay = 0;   // decoupled: w -= learning_rate * weight_decay * w
  std::int64_t update = 1;  // counts from 1: corrects the bias of the moments

  std::size_t states() const { return 2; }
};

// u = sign(beta1 m + (1 - beta1) g);  w -= learning_rate (u + weight_decay w);  m = beta2 m + (1 - beta2) g.
// Chen et al. 2023, algorithm 2. State: m. The sign of 0 is 0, that of NaN is NaN.
struct LionStep {
  float learning_rate = 0;
  float beta1 = 0.9F;
  float beta2 = 0.99F;
  float weight_decay = 0;  // decoupled

  std::size_t states() const { return 1; }
};

using OptimizerStep = std::variant<SgdStep, RmspropStep, AdamwStep, LionStep>;

// One update. Throws InternalError where state is missing or sizes differ.
void optimizer_step(StreamView stream, const OptimizerStep& step, const OptimizerOperands& operands);

}  // namespace eightfold::kernels
