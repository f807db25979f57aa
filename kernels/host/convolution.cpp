#include "kernels/host/activation.hpp"
#include "kernels/host/dnnl.hpp"
#include "kernels/operations.hpp"

#include <algorithm>

namespace eightfold::kernels::host {
namespace {

using Layout = dnnl::memory::desc;

// Images are channels-last in memory, but oneDNN names extents [batch, channels, height, width].
Layout image_layout(std::int64_t batch, std::int64_t channels, std::int64_t height, std::int64_t width) {
  return strided({batch, channels, height, width},
                 {height * width * channels, 1, width * channels, channels});
}

dnnl::memory::dims weight_extents(const ConvolutionShape& shape) {
  const std::int64_t in = shape.in_channels / shape.groups, out = shape.out_channels / shape.groups;
  if (shape.groups == 1) return {out, in, shape.kernel, shape.kernel};
  return {shape.groups, out, in, shape.kernel, shape.kernel};
}

// The arena's [out, kernel, kernel, in / groups] under those extents.
Layout plain_weight(const ConvolutionShape& shape) {
  const std::int64_t in = shape.in_channels / shape.groups, kernel = shape.kernel;
  const std::int64_t filter = kernel * kernel * in;
  if (shape.groups == 1) return strided(weight_extents(shape), {filter, 1, kernel * in, in});
  return strided(weight_extents(shape),
                 {shape.out_channels / shape.groups * filter, filter, 1, kernel * in, in});
}

class HostConvolution final : public Convolution {
 public:
  explicit HostConvolution(const ConvolutionShape& shape)
      : shape_(shape),
        bias_gradient_(shape.batch * shape.out_height() * shape.out_width(), shape.out_channels,
                       shape.activation) {
    if (shape.batch > 0) plan();
  }

  // Weights change once a step: all of its micro-batches use the same copies.
  void begin_step(StreamView, ConstTensor weight) override {
    if (shape_.batch == 0) return;
    forward_weight_.of(weight.as<float>());
    backward_weight_.of(weight.as<float>());
  }

  void forward(StreamView stream, ConstTensor x, ConstTensor bias, Tensor y) override {
    if (shape_.batch == 0) return;
    forward_.run({{DNNL_ARG_SRC, x.as<float>()},
                  {DNNL_ARG_WEIGHTS, forward_weight_.data()},
                  {DNNL_ARG_BIAS, bias.as<float>()},
                  {DNNL_ARG_DST, y.as<float>()}});
    activate(stream, shape_.activation, y);
  }

  void backward_parameters(StreamView, ConstTensor x, ConstTensor y, Tensor dy, GradientMode mode,
                           Tensor dweight, Tensor dbias) override {
    // First, because it turns dy into the gradient before the activation, which the products need.
    bias_gradient_(y.as<float>(), dy.as<float>(), mode, dbias.as<float>());
    // Without samples the gradient is 0. The arena still has that of the last step, which must not count
    // again.
    if (shape_.batch == 0) {
      const auto gradient = dweight.span<float>();
      if (mode == GradientMode::overwrite) std::fill(gradient.begin(), gradient.end(), 0.0F);
      return;
    }
    // oneDNN chooses the layout of the gradient, too. A reorder brings it into the arena, where it replaces
    // or adds.
    backward_parameters_.run({{DNNL_ARG_SRC, x.as<float>()},
                              {DNNL_ARG_DIFF_DST, dy.as<float>()},
                              {DNNL_ARG_DIFF_WEIGHTS, weight_gradient_.data()}});
    Primitive& unpack = mode == GradientMode::overwrite ? overwrite_gradient_ : accumulate_gradient_;
    unpack.run({{DNNL_ARG_FROM, weight_gradient_.data()}, {DNNL_ARG_TO, dweight.as<float>()}});
  }

  void backward_data(StreamView, ConstTensor dy, Tensor dx) override {
    if (shape_.batch == 0) return;
    backward_data_.run({{DNNL_ARG_DIFF_DST, dy.as<float>()},
                        {DNNL_ARG_WEIGHTS, backward_weight_.data()},
                        {DNNL_ARG_DIFF_SRC, dx.as<float>()}});
  }

 private:
  void plan() {
    const Layout x = image_layout(shape_.batch, shape_.in_channels, shape_.height, shape_.width);
    const Layout y = image_layout(shape_.batch, shape_.out_channels, shape_.out_height(), shape_.out_width());
    const Layout bias = row_major({shape_.out_channels}), any = any_layout(weight_extents(shape_));
    const Layout plain = plain_weight(shape_);
    const dnnl::memory::dims strides(2, shape_.stride), padding(2, shape_.padding);
    const auto direct = dnnl::algorithm::convolution_direct;
    const auto attributes = attributes_for();

    // Activations keep the layout of the network, since neighbouring layers share them. The weights' is left
    // to oneDNN.
    const auto forward = describe<dnnl::convolution_forward>(
        attributes, dnnl::prop_kind::forward_training, direct, x, any, bias, y, strides, padding, padding);
    const auto data = describe_backward<dnnl::convolution_backward_data>(attributes, forward, direct, x, any,
                                                                         y, strides, padding, padding);
    const auto parameters = describe_backward<dnnl::convolution_backward_weights>(
        attributes, forward, direct, x, any, y, strides, padding, padding);
    forward_ = {forward,
                {{DNNL_ARG_SRC, x},
                 {DNNL_ARG_WEIGHTS, forward.weights_desc()},
                 {DNNL_ARG_BIAS, bias},
                 {DNNL_ARG_DST, y}}};
    backward_data_ = {
        data, {{DNNL_ARG_DIFF_DST, y}, {DNNL_ARG_WEIGHTS, data.weights_desc()}, {DNNL_ARG_DIFF_SRC, x}}};
    const Layout gradient = parameters.diff_weights_desc();
    backward_parameters_ = {parameters,
                            {{DNNL_ARG_SRC, x}, {DNNL_ARG_DIFF_DST, y}, {DNNL_ARG_DIFF_WEIGHTS, gradient}}};
    forward_weight_ = {plain, forward.weights_desc()};
    backward_weight_ = {plain, data.weights_desc()};
    weight_gradient_ = allocate_for(gradient);
    overwrite_gradient_ = plan_reorder(gradient, plain);
    accumulate_gradient_ = plan_reorder(gradient, plain, GradientMode::accumulate);
  }

  ConvolutionShape shape_;
  BiasGradient bias_gradient_;
  Primitive forward_, backward_data_, backward_parameters_;
  PackedCopy forward_weight_, backward_weight_;
  Buffer<std::byte> weight_gradient_;
  Primitive overwrite_gradient_, accumulate_gradient_;
};

}  // namespace

std::unique_ptr<Convolution> plan_convolution(Device, const ConvolutionShape& shape) {
  return std::make_unique<HostConvolution>(shape);
}

}  // namespace eightfold::kernels::host
