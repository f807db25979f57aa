#pragma once

// Weight updates over a whole arena in one pass. w: parameters, g: gradient, both fp32 of equal size.
// grad_scale: one fp32 on the device that multiplies g (gradient clipping), or absent for 1. State tensors
// start as zeros. Bitwise reproducible: each element by itself, in a fixed order of operations.

#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"

#include <cstdint>

namespace eightfold::kernels {

struct SgdStep {
  float learning_rate = 0;
  float momentum = 0;
  bool nesterov = false;
  float weight_decay = 0;  // added to the gradient: g + weight_decay w
};
// v = momentum v + g;  w -= learning_rate * (nesterov ? g + momentum v : v). Sutskever et al. 2013, in the
// form of PyTorch. With momentum 0, v is not touched and may be absent.
void sgd_step(StreamView stream, const SgdStep& step, ConstTensor grad_scale, ConstTensor g, Tensor w,
              Tensor v);

struct RmspropStep {
  float learning_rate = 0;
  float decay = 0.9F;
  float momentum = 0;
  float epsilon = 1e-8F;
  float weight_decay = 0;  // added to the gradient
};
// s = decay s + (1 - decay) g^2;  u = g / (sqrt(s) + epsilon);  v = momentum v + u;  w -= learning_rate v.
// Tieleman and Hinton 2012, lecture 6e. With momentum 0, v may be absent.
void rmsprop_step(StreamView stream, const RmspropStep& step, ConstTensor grad_scale, ConstTensor g, Tensor w,
                  Tensor s, Tensor v);

struct AdamwStep {
  float learning_rate = 0;
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float epsilon = 1e-8F;
  float weight_decay = 0;   // decoupled: w -= learning_rate * weight_decay * w
  std::int64_t update = 1;  // counts from 1: corrects the bias of the moments
};
// Loshchilov and Hutter 2019, algorithm 2.
void adamw_step(StreamView stream, const AdamwStep& step, ConstTensor grad_scale, ConstTensor g, Tensor w,
                Tensor m, Tensor v);

}  // namespace eightfold::kernels
