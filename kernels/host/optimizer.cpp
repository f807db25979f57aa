#include "kernels/host/parallel.hpp"
#include "kernels/operations.hpp"
#include "kernels/optimizer_functors.hpp"

namespace eightfold::kernels::host {

void sgd_step(StreamView stream, const SgdStep& step, ConstTensor grad_scale, ConstTensor g, Tensor w,
              Tensor v) {
  with_sgd(step, scaled_gradient(g, grad_scale), w, v,
           [&](const auto& functor) { for_each_element(stream, w.elements(), functor); });
}

void rmsprop_step(StreamView stream, const RmspropStep& step, ConstTensor grad_scale, ConstTensor g, Tensor w,
                  Tensor s, Tensor v) {
  with_rmsprop(step, scaled_gradient(g, grad_scale), w, s, v,
               [&](const auto& functor) { for_each_element(stream, w.elements(), functor); });
}

void adamw_step(StreamView stream, const AdamwStep& step, ConstTensor grad_scale, ConstTensor g, Tensor w,
                Tensor m, Tensor v) {
  const Adamw functor(step, scaled_gradient(g, grad_scale), w.as<float>(), m.as<float>(), v.as<float>());
  for_each_element(stream, w.elements(), functor);
}

}  // namespace eightfold::kernels::host
