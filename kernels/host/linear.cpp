#include "kernels/host/activation.hpp"
#include "kernels/host/dnnl.hpp"
#include "kernels/operations.hpp"

#include <algorithm>

namespace eightfold::kernels::host {
namespace {

using Layout = dnnl::memory::desc;

// The layout of a layer's operands in memory. A transposed layout is the same memory with other strides.
struct Layouts {
  Layout x, y, weight, x_transposed, y_transposed;

  explicit Layouts(const LinearShape& shape)
      : x(row_major({shape.batch, shape.inputs})),
        y(row_major({shape.batch, shape.outputs})),
        weight(row_major({shape.outputs, shape.inputs})),
        x_transposed(strided({shape.inputs, shape.batch}, {1, shape.inputs})),
        y_transposed(strided({shape.outputs, shape.batch}, {1, shape.outputs})) {}
};

// Matrix products on the plain tensors. Backwards, oneDNN's inner product is the fastest to take them as they
// are. Forwards it first turns W around, by far the largest operand; turning the activations around instead,
// y^T = W x^T, leaves W as it lies. A gradient is added to what is there by a product with other strides:
// inner products cannot.
class HostLinear final : public Linear {
 public:
  explicit HostLinear(const LinearShape& shape)
      : shape_(shape), bias_gradient_(shape.batch, shape.outputs, shape.activation) {
    if (shape.batch > 0) plan();
  }

  void forward(StreamView, ConstTensor x, ConstTensor weight, ConstTensor bias, Tensor y) override {
    if (shape_.batch == 0) return;
    product_.run({{DNNL_ARG_SRC, weight.as<float>()},
                  {DNNL_ARG_WEIGHTS, turned_x_.of(x.as<float>())},
                  {DNNL_ARG_DST, turned_y_.data()}});
    turn_result_.run({{DNNL_ARG_FROM, turned_y_.data()}, {DNNL_ARG_TO, y.as<float>()}});
    add_bias(bias.as<float>(), shape_.batch, shape_.outputs, shape_.activation, y.as<float>());
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
    if (mode == GradientMode::overwrite) {
      overwrite_weight_.run({{DNNL_ARG_SRC, x.as<float>()},
                             {DNNL_ARG_DIFF_DST, dy.as<float>()},
                             {DNNL_ARG_DIFF_WEIGHTS, dweight.as<float>()}});
    } else {
      accumulate_weight_.run({{DNNL_ARG_SRC, dy.as<float>()},
                              {DNNL_ARG_WEIGHTS, x.as<float>()},
                              {DNNL_ARG_DST, dweight.as<float>()}});
    }
  }

  void backward_data(StreamView, ConstTensor dy, ConstTensor weight, Tensor dx) override {
    if (shape_.batch == 0) return;
    backward_data_.run({{DNNL_ARG_DIFF_DST, dy.as<float>()},
                        {DNNL_ARG_WEIGHTS, weight.as<float>()},
                        {DNNL_ARG_DIFF_SRC, dx.as<float>()}});
  }

 private:
  void plan() {
    plan_forward();
    plan_backward();
  }

  void plan_forward() {
    const Layouts layout(shape_);
    const Layout turned_x = any_layout({shape_.inputs, shape_.batch});
    const Layout turned_y = row_major({shape_.outputs, shape_.batch});
    const auto product = describe<dnnl::matmul>(attributes_for(), layout.weight, turned_x, turned_y);
    product_ = {product,
                {{DNNL_ARG_SRC, layout.weight},
                 {DNNL_ARG_WEIGHTS, product.weights_desc()},
                 {DNNL_ARG_DST, turned_y}}};
    turned_x_ = {layout.x_transposed, product.weights_desc()};
    turned_y_ = allocate_for(turned_y);
    turn_result_ = plan_reorder(turned_y, layout.y_transposed);
  }

  void plan_backward() {
    const Layouts layout(shape_);
    const auto& [x, y, weight, x_transposed, y_transposed] = layout;
    const auto plain = attributes_for();
    // Never run; backward primitives are described with it.
    const auto hint =
        describe<dnnl::inner_product_forward>(plain, dnnl::prop_kind::forward_training, x, weight, y);
    backward_data_ = {describe_backward<dnnl::inner_product_backward_data>(plain, hint, x, weight, y),
                      {{DNNL_ARG_DIFF_DST, y}, {DNNL_ARG_WEIGHTS, weight}, {DNNL_ARG_DIFF_SRC, x}}};
    overwrite_weight_ = {describe_backward<dnnl::inner_product_backward_weights>(plain, hint, x, weight, y),
                         {{DNNL_ARG_SRC, x}, {DNNL_ARG_DIFF_DST, y}, {DNNL_ARG_DIFF_WEIGHTS, weight}}};
    accumulate_weight_ = {
        describe<dnnl::matmul>(attributes_for(GradientMode::accumulate), y_transposed, x, weight),
        {{DNNL_ARG_SRC, y_transposed}, {DNNL_ARG_WEIGHTS, x}, {DNNL_ARG_DST, weight}}};
  }

  LinearShape shape_;
  BiasGradient bias_gradient_;
  PackedCopy turned_x_;
  Buffer<std::byte> turned_y_;
  Primitive product_, turn_result_;
  Primitive backward_data_, overwrite_weight_, accumulate_weight_;
};

}  // namespace

std::unique_ptr<Linear> plan_linear(Device, const LinearShape& shape) {
  return std::make_unique<HostLinear>(shape);
}

}  // namespace eightfold::kernels::host
