#include "kernels/operations.hpp"

// The public operations: each is its host or its CUDA twin.
#define EIGHTFOLD_DISPATCH(name, ...) return dispatch<&host::name, &cuda::name>(__VA_ARGS__)

namespace eightfold::kernels {

void fill(StreamView stream, float value, Tensor y) {
  EIGHTFOLD_DISPATCH(fill, stream, value, y);
}

void add_scaled(StreamView stream, float alpha, ConstTensor x, Tensor y) {
  EIGHTFOLD_DISPATCH(add_scaled, stream, alpha, x, y);
}

void bytes_to_float(StreamView stream, ConstTensor x, ConstTensor scale, ConstTensor shift, Tensor y) {
  EIGHTFOLD_DISPATCH(bytes_to_float, stream, x, scale, shift, y);
}

void relu_forward(StreamView stream, ConstTensor x, Tensor y) {
  EIGHTFOLD_DISPATCH(relu_forward, stream, x, y);
}

void relu_backward(StreamView stream, ConstTensor y, ConstTensor dy, Tensor dx) {
  EIGHTFOLD_DISPATCH(relu_backward, stream, y, dy, dx);
}

void dropout(StreamView stream, const DropoutMask& mask, ConstTensor x, Tensor y) {
  EIGHTFOLD_DISPATCH(dropout, stream, mask, x, y);
}

std::unique_ptr<Linear> plan_linear(Device device, const LinearShape& shape) {
  EIGHTFOLD_DISPATCH(plan_linear, device, shape);
}

std::unique_ptr<Convolution> plan_convolution(Device device, const ConvolutionShape& shape) {
  EIGHTFOLD_DISPATCH(plan_convolution, device, shape);
}

std::unique_ptr<Pooling> plan_pooling(Device device, const PoolingShape& shape) {
  EIGHTFOLD_DISPATCH(plan_pooling, device, shape);
}

void local_response_forward(StreamView stream, const LocalResponse& parameters, ConstTensor x, Tensor y) {
  EIGHTFOLD_DISPATCH(local_response_forward, stream, parameters, x, y);
}

void local_response_backward(StreamView stream, const LocalResponse& parameters, ConstTensor x,
                             ConstTensor dy, Tensor dx) {
  EIGHTFOLD_DISPATCH(local_response_backward, stream, parameters, x, dy, dx);
}

void softmax_cross_entropy(StreamView stream, ConstTensor logits, ConstTensor labels, std::int64_t samples,
                           float weight, Tensor totals, Tensor dlogits) {
  EIGHTFOLD_DISPATCH(softmax_cross_entropy, stream, logits, labels, samples, weight, totals, dlogits);
}

void sum_of_squares(StreamView stream, ConstTensor x, Tensor out) {
  EIGHTFOLD_DISPATCH(sum_of_squares, stream, x, out);
}

void clip_scale(StreamView stream, ConstTensor sum_of_squares, float max_norm, Tensor scale) {
  EIGHTFOLD_DISPATCH(clip_scale, stream, sum_of_squares, max_norm, scale);
}

void sgd_step(StreamView stream, const SgdStep& step, ConstTensor grad_scale, ConstTensor g, Tensor w,
              Tensor v) {
  EIGHTFOLD_DISPATCH(sgd_step, stream, step, grad_scale, g, w, v);
}

void rmsprop_step(StreamView stream, const RmspropStep& step, ConstTensor grad_scale, ConstTensor g, Tensor w,
                  Tensor s, Tensor v) {
  EIGHTFOLD_DISPATCH(rmsprop_step, stream, step, grad_scale, g, w, s, v);
}

void adamw_step(StreamView stream, const AdamwStep& step, ConstTensor grad_scale, ConstTensor g, Tensor w,
                Tensor m, Tensor v) {
  EIGHTFOLD_DISPATCH(adamw_step, stream, step, grad_scale, g, w, m, v);
}

void cast(StreamView stream, ConstTensor from, Tensor to) {
  EIGHTFOLD_DISPATCH(cast, stream, from, to);
}

}  // namespace eightfold::kernels
