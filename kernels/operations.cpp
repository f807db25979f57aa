#include "kernels/operations.hpp"

// The public operations: each checks its arguments, so that its twins need not, and is its host or its CUDA
// twin.
#define EIGHTFOLD_DISPATCH(name, ...) return dispatch<&host::name, &cuda::name>(__VA_ARGS__)

namespace eightfold::kernels {
namespace {

void require_equal_sizes(const char* operation, ConstTensor x, ConstTensor y) {
  base::require(x.elements() == y.elements(), "{}: {} against {}", operation, to_string(x.shape()),
                to_string(y.shape()));
}

// The channels of a tensor whose innermost axis they are.
std::int64_t channels_of(const char* operation, ConstTensor x) {
  base::require(x.shape().rank() > 0, "{}: {} has no channels", operation, to_string(x.shape()));
  return x.shape()[x.shape().rank() - 1];
}

void require_valid(const char* operation, const LocalResponse& parameters, ConstTensor x) {
  channels_of(operation, x);
  base::require(parameters.size % 2 == 1, "{}: a window of {} channels has no centre", operation,
                parameters.size);
}

void require_valid(const LinearShape& shape) {
  base::require(shape.batch >= 0 && shape.inputs >= 1 && shape.outputs >= 1, "linear: {} x {} -> {}",
                shape.batch, shape.inputs, shape.outputs);
}

void require_valid(const ConvolutionShape& shape) {
  base::require(shape.batch >= 0 && shape.in_channels >= 1 && shape.out_channels >= 1 && shape.groups >= 1 &&
                    shape.in_channels % shape.groups == 0 && shape.out_channels % shape.groups == 0,
                "convolution: batch {}, {} -> {} channels in {} groups", shape.batch, shape.in_channels,
                shape.out_channels, shape.groups);
  base::require(shape.kernel >= 1 && shape.stride >= 1 && shape.padding >= 0 &&
                    shape.height + 2 * shape.padding >= shape.kernel &&
                    shape.width + 2 * shape.padding >= shape.kernel,
                "convolution: kernel {}, stride {}, padding {} over an image of {} x {}", shape.kernel,
                shape.stride, shape.padding, shape.height, shape.width);
}

void require_valid(const PoolingShape& shape) {
  base::require(shape.kernel >= 1 && shape.stride >= 1 && shape.padding >= 0 && shape.padding < shape.kernel,
                "pooling: kernel {}, stride {}, padding {}", shape.kernel, shape.stride, shape.padding);
  base::require(
      shape.height + 2 * shape.padding >= shape.kernel && shape.width + 2 * shape.padding >= shape.kernel,
      "pooling: a window of {} does not fit an image of {} x {}", shape.kernel, shape.height, shape.width);
}

}  // namespace

void fill(StreamView stream, float value, Tensor y) {
  EIGHTFOLD_DISPATCH(fill, stream, value, y);
}

void add_scaled(StreamView stream, float alpha, ConstTensor x, Tensor y) {
  require_equal_sizes("add_scaled", x, y);
  EIGHTFOLD_DISPATCH(add_scaled, stream, alpha, x, y);
}

void bytes_to_float(StreamView stream, ConstTensor x, ConstTensor scale, ConstTensor shift, Tensor y) {
  require_equal_sizes("bytes_to_float", x, y);
  require_equal_sizes("bytes_to_float: scale and shift", scale, shift);
  base::require(scale.elements() == channels_of("bytes_to_float", y), "bytes_to_float: {} scales for {}",
                scale.elements(), to_string(y.shape()));
  EIGHTFOLD_DISPATCH(bytes_to_float, stream, x, scale, shift, y);
}

void pointwise_forward(StreamView stream, Pointwise function, ConstTensor x, Tensor y) {
  require_equal_sizes("pointwise_forward", x, y);
  EIGHTFOLD_DISPATCH(pointwise_forward, stream, function, x, y);
}

void pointwise_backward(StreamView stream, Pointwise function, ConstTensor y, ConstTensor dy, Tensor dx) {
  require_equal_sizes("pointwise_backward", y, dy);
  require_equal_sizes("pointwise_backward", y, dx);
  EIGHTFOLD_DISPATCH(pointwise_backward, stream, function, y, dy, dx);
}

void dropout(StreamView stream, const DropoutMask& mask, ConstTensor x, Tensor y) {
  require_equal_sizes("dropout", x, y);
  EIGHTFOLD_DISPATCH(dropout, stream, mask, x, y);
}

std::unique_ptr<Linear> plan_linear(Device device, const LinearShape& shape) {
  require_valid(shape);
  EIGHTFOLD_DISPATCH(plan_linear, device, shape);
}

std::unique_ptr<Convolution> plan_convolution(Device device, const ConvolutionShape& shape) {
  require_valid(shape);
  EIGHTFOLD_DISPATCH(plan_convolution, device, shape);
}

std::unique_ptr<Pooling> plan_pooling(Device device, const PoolingShape& shape) {
  require_valid(shape);
  EIGHTFOLD_DISPATCH(plan_pooling, device, shape);
}

void local_response_forward(StreamView stream, const LocalResponse& parameters, ConstTensor x, Tensor y) {
  require_valid("local_response_forward", parameters, x);
  require_equal_sizes("local_response_forward", x, y);
  EIGHTFOLD_DISPATCH(local_response_forward, stream, parameters, x, y);
}

void local_response_backward(StreamView stream, const LocalResponse& parameters, ConstTensor x,
                             ConstTensor dy, Tensor dx) {
  require_valid("local_response_backward", parameters, x);
  require_equal_sizes("local_response_backward", x, dy);
  require_equal_sizes("local_response_backward", x, dx);
  EIGHTFOLD_DISPATCH(local_response_backward, stream, parameters, x, dy, dx);
}

void softmax_cross_entropy(StreamView stream, ConstTensor logits, ConstTensor labels, std::int64_t samples,
                           float weight, Tensor totals, Tensor dlogits) {
  base::require(logits.shape().rank() == 2 && samples >= 0 && samples <= logits.shape()[0] &&
                    labels.elements() == logits.shape()[0] && totals.elements() == 2,
                "softmax_cross_entropy: {} samples, {} labels, {} totals for logits {}", samples,
                labels.elements(), totals.elements(), to_string(logits.shape()));
  EIGHTFOLD_DISPATCH(softmax_cross_entropy, stream, logits, labels, samples, weight, totals, dlogits);
}

void sum_of_squares(StreamView stream, ConstTensor x, Tensor out) {
  EIGHTFOLD_DISPATCH(sum_of_squares, stream, x, out);
}

void clip_scale(StreamView stream, ConstTensor sum_of_squares, float max_norm, Tensor scale) {
  EIGHTFOLD_DISPATCH(clip_scale, stream, sum_of_squares, max_norm, scale);
}

void optimizer_step(StreamView stream, const OptimizerStep& step, const OptimizerOperands& operands) {
  const std::size_t states = std::visit([](const auto& each) { return each.states(); }, step);
  base::require(operands.state.size() >= states, "optimizer: {} tensors of state, {} are needed",
                operands.state.size(), states);
  const auto require_like_w = [&](ConstTensor tensor) {
    base::require(tensor.elements() == operands.w.elements(), "optimizer: {} elements for {} parameters",
                  tensor.elements(), operands.w.elements());
  };
  require_like_w(operands.g);
  for (const Tensor& state : operands.state.first(states)) require_like_w(state);
  EIGHTFOLD_DISPATCH(optimizer_step, stream, step, operands);
}

void cast(StreamView stream, ConstTensor from, Tensor to) {
  require_equal_sizes("cast", from, to);
  EIGHTFOLD_DISPATCH(cast, stream, from, to);
}

}  // namespace eightfold::kernels
