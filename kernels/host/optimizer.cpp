#include "kernels/host/parallel.hpp"
#include "kernels/operations.hpp"
#include "kernels/optimizer_functors.hpp"

namespace eightfold::kernels::host {
namespace {

// A tensor of as many elements as the parameters.
float* like_parameters(Tensor tensor, Tensor w, const char* what) {
  base::require(tensor.elements() == w.elements(), "optimizer: {} elements of {} for {} parameters",
                tensor.elements(), what, w.elements());
  return tensor.as<float>();
}

ScaledGradient scaled_gradient(ConstTensor g, ConstTensor grad_scale, Tensor w) {
  base::require(g.elements() == w.elements(), "optimizer: {} gradients for {} parameters", g.elements(),
                w.elements());
  return {g.as<float>(), grad_scale.is_absent() ? nullptr : grad_scale.as<float>()};
}

}  // namespace

void sgd_step(StreamView stream, const SgdStep& step, ConstTensor grad_scale, ConstTensor g, Tensor w,
              Tensor v) {
  const ScaledGradient gradient = scaled_gradient(g, grad_scale, w);
  if (step.momentum == 0) {
    for_each_element(stream, w.elements(), PlainSgd{step, gradient, w.as<float>()});
  } else {
    float* velocity = like_parameters(v, w, "v");
    for_each_element(stream, w.elements(), MomentumSgd{step, gradient, w.as<float>(), velocity});
  }
}

void rmsprop_step(StreamView stream, const RmspropStep& step, ConstTensor grad_scale, ConstTensor g, Tensor w,
                  Tensor s, Tensor v) {
  const ScaledGradient gradient = scaled_gradient(g, grad_scale, w);
  float* squares = like_parameters(s, w, "s");
  if (step.momentum == 0) {
    for_each_element(stream, w.elements(), Rmsprop<false>{step, gradient, w.as<float>(), squares, nullptr});
  } else {
    float* velocity = like_parameters(v, w, "v");
    for_each_element(stream, w.elements(), Rmsprop<true>{step, gradient, w.as<float>(), squares, velocity});
  }
}

void adamw_step(StreamView stream, const AdamwStep& step, ConstTensor grad_scale, ConstTensor g, Tensor w,
                Tensor m, Tensor v) {
  const ScaledGradient gradient = scaled_gradient(g, grad_scale, w);
  for_each_element(
      stream, w.elements(),
      Adamw(step, gradient, w.as<float>(), like_parameters(m, w, "m"), like_parameters(v, w, "v")));
}

}  // namespace eightfold::kernels::host
