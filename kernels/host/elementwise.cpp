#include "kernels/elementwise_functors.hpp"
#include "kernels/host/parallel.hpp"
#include "kernels/operations.hpp"

namespace eightfold::kernels::host {

void fill(StreamView stream, float value, Tensor y) {
  for_each_element(stream, y.elements(), Fill{value, y.as<float>()});
}

void add_scaled(StreamView stream, float alpha, ConstTensor x, Tensor y) {
  for_each_element(stream, y.elements(), AddScaled{alpha, x.as<float>(), y.as<float>()});
}

void bytes_to_float(StreamView stream, ConstTensor x, ConstTensor scale, ConstTensor shift, Tensor y) {
  const std::int64_t channels = y.shape()[y.shape().rank() - 1];
  for_each_element(
      stream, y.elements(),
      BytesToFloat{channels, x.as<std::uint8_t>(), scale.as<float>(), shift.as<float>(), y.as<float>()});
}

void relu_forward(StreamView stream, ConstTensor x, Tensor y) {
  for_each_element(stream, y.elements(), ReluForward{x.as<float>(), y.as<float>()});
}

void relu_backward(StreamView stream, ConstTensor y, ConstTensor dy, Tensor dx) {
  for_each_element(stream, dx.elements(), ReluBackward{y.as<float>(), dy.as<float>(), dx.as<float>()});
}

void dropout(StreamView, const DropoutMask& mask, ConstTensor x, Tensor y) {
  const Dropout functor(mask, x.as<float>(), y.as<float>(), y.elements());
  const std::int64_t groups = functor.groups();
  if (groups == 0) return;
  functor(0);
  if (groups > 1) functor(groups - 1);
  for_each_range(groups - 2, Dropout::kGroup, [&](std::int64_t first, std::int64_t last) {
    const Dropout local = functor;
#pragma omp simd
    for (std::int64_t group = first; group < last; ++group) local.whole(group + 1);
  });
}

}  // namespace eightfold::kernels::host
