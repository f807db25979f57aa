#include "kernels/cuda/parallel.hpp"
#include "kernels/elementwise_functors.hpp"
#include "kernels/operations.hpp"

// Every kernel here is bitwise reproducible and gives the bits of the host.

namespace eightfold::kernels::cuda {
namespace {

__global__ void bytes_to_float_kernel(std::int64_t count, BytesToFloat functor) {
  ChannelWalk walk(first_index(), index_stride(), functor.channels);
  for (std::int64_t i = first_index(); i < count; i += index_stride(), walk.advance())
    functor.element(i, walk.channel());
}

// A thread per Philox block: four elements that share ten rounds.
__global__ void dropout_kernel(Dropout functor) {
  const std::int64_t groups = functor.groups();
  for (std::int64_t group = first_index(); group < groups; group += index_stride()) functor(group);
}

}  // namespace

void fill(StreamView stream, float value, Tensor y) {
  for_each_element(stream, y.elements(), Fill{value, y.as<float>()});
}

void add_scaled(StreamView stream, float alpha, ConstTensor x, Tensor y) {
  for_each_element(stream, y.elements(), AddScaled{alpha, x.as<float>(), y.as<float>()});
}

void bytes_to_float(StreamView stream, ConstTensor x, ConstTensor scale, ConstTensor shift, Tensor y) {
  const std::int64_t channels = y.shape()[y.shape().rank() - 1];
  if (y.elements() == 0) return;
  const BytesToFloat functor{channels, x.as<std::uint8_t>(), scale.as<float>(), shift.as<float>(),
                             y.as<float>()};
  launch(stream, loop_shape(stream, y.elements()), bytes_to_float_kernel, y.elements(), functor);
}

void pointwise_forward(StreamView stream, Pointwise function, ConstTensor x, Tensor y) {
  with_forward(function, x, y, [&](const auto& functor) { for_each_element(stream, y.elements(), functor); });
}

void pointwise_backward(StreamView stream, Pointwise function, ConstTensor y, ConstTensor dy, Tensor dx) {
  with_backward(function, y, dy, dx,
                [&](const auto& functor) { for_each_element(stream, dx.elements(), functor); });
}

void dropout(StreamView stream, const DropoutMask& mask, ConstTensor x, Tensor y) {
  if (y.elements() == 0) return;
  const Dropout functor(mask, x.as<float>(), y.as<float>(), y.elements());
  launch(stream, loop_shape(stream, functor.groups()), dropout_kernel, functor);
}

}  // namespace eightfold::kernels::cuda
