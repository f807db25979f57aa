#include "kernels/host/activation.hpp"
#include "kernels/host/dnnl.hpp"
#include "kernels/operations.hpp"

#include <algorithm>

namespace eightfold::kernels::host {
namespace {

// Three matrix products on the plain tensors; the transposed ones are the same memory with other strides.
class HostLinear final : public Linear {
 public:
  explicit HostLinear(const LinearShape& shape)
      : shape_(shape), bias_gradient_(shape.batch, shape.outputs, shape.activation) {
    base::require(shape.batch >= 0 && shape.inputs >= 1 && shape.outputs >= 1, "linear: {} x {} -> {}",
                  shape.batch, shape.inputs, shape.outputs);
    if (shape.batch == 0) return;
    const std::int64_t batch = shape.batch, inputs = shape.inputs, outputs = shape.outputs;
    const auto x = row_major({batch, inputs}), y = row_major({batch, outputs}),
               weight = row_major({outputs, inputs});
    const auto bias = row_major({1, outputs});
    const auto weight_transposed = strided({inputs, outputs}, {1, inputs});
    const auto dy_transposed = strided({outputs, batch}, {1, outputs});
    forward_ = {
        describe<dnnl::matmul>(attributes_for(), x, weight_transposed, bias, y),
        {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, weight_transposed}, {DNNL_ARG_BIAS, bias}, {DNNL_ARG_DST, y}}};
    backward_data_ = plan_product(y, weight, x, GradientMode::overwrite);
    overwrite_weight_ = plan_product(dy_transposed, x, weight, GradientMode::overwrite);
    accumulate_weight_ = plan_product(dy_transposed, x, weight, GradientMode::accumulate);
  }

  void forward(StreamView stream, ConstTensor x, ConstTensor weight, ConstTensor bias, Tensor y) override {
    if (shape_.batch == 0) return;
    forward_.run({{DNNL_ARG_SRC, x.as<float>()},
                  {DNNL_ARG_WEIGHTS, weight.as<float>()},
                  {DNNL_ARG_BIAS, bias.as<float>()},
                  {DNNL_ARG_DST, y.as<float>()}});
    activate(stream, shape_.activation, y);
  }

  void backward_parameters(StreamView, ConstTensor x, ConstTensor y, Tensor dy, GradientMode mode,
                           Tensor dweight, Tensor dbias) override {
    bias_gradient_(y.as<float>(), dy.as<float>(), mode, dbias.as<float>());
    if (shape_.batch == 0) {
      const auto gradient = dweight.span<float>();
      if (mode == GradientMode::overwrite) std::fill(gradient.begin(), gradient.end(), 0.0F);
      return;
    }
    Primitive& product = mode == GradientMode::overwrite ? overwrite_weight_ : accumulate_weight_;
    product.run({{DNNL_ARG_SRC, dy.as<float>()},
                 {DNNL_ARG_WEIGHTS, x.as<float>()},
                 {DNNL_ARG_DST, dweight.as<float>()}});
  }

  void backward_data(StreamView, ConstTensor dy, ConstTensor weight, Tensor dx) override {
    if (shape_.batch == 0) return;
    backward_data_.run({{DNNL_ARG_SRC, dy.as<float>()},
                        {DNNL_ARG_WEIGHTS, weight.as<float>()},
                        {DNNL_ARG_DST, dx.as<float>()}});
  }

 private:
  static Primitive plan_product(const dnnl::memory::desc& a, const dnnl::memory::desc& b,
                                const dnnl::memory::desc& c, GradientMode mode) {
    return {describe<dnnl::matmul>(attributes_for(mode), a, b, c),
            {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}}};
  }

  LinearShape shape_;
  BiasGradient bias_gradient_;
  Primitive forward_, backward_data_, overwrite_weight_, accumulate_weight_;
};

}  // namespace

std::unique_ptr<Linear> plan_linear(Device, const LinearShape& shape) {
  return std::make_unique<HostLinear>(shape);
}

}  // namespace eightfold::kernels::host
