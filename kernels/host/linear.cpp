#include "kernels/host/activation.hpp"
#include "kernels/host/dnnl.hpp"
#include "kernels/operations.hpp"

#include <algorithm>

namespace eightfold::kernels::host {
namespace {

using Layout = dnnl::memory::desc;

// What the operands of a layer look like in memory. A transposed layout is the same memory with other
// strides.
struct Layouts {
  Layout x, y, weight, x_transposed, y_transposed;

  explicit Layouts(const LinearShape& shape)
      : x(row_major({shape.batch, shape.inputs})),
        y(row_major({shape.batch, shape.outputs})),
        weight(row_major({shape.outputs, shape.inputs})),
        x_transposed(strided({shape.inputs, shape.batch}, {1, shape.inputs})),
        y_transposed(strided({shape.outputs, shape.batch}, {1, shape.outputs})) {}
};

// c = a b, or c += a b.
class Product {
 public:
  Product() = default;
  Product(const Layout& a, const Layout& b, const Layout& c, GradientMode mode = GradientMode::overwrite) {
    const auto description = describe<dnnl::matmul>(attributes_for(mode), a, b, c);
    right_ = description.weights_desc();
    primitive_ = {description, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, right_}, {DNNL_ARG_DST, c}}};
  }

  void run(const void* a, const void* b, void* c) {
    primitive_.run({{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}});
  }
  // The layout of b: the library's choice where the plan left it open.
  const Layout& right() const { return right_; }

 private:
  Layout right_;
  Primitive primitive_;
};

// A copy in another layout.
class Copy {
 public:
  Copy() = default;
  Copy(const Layout& from, const Layout& to) : reorder_(plan_reorder(from, to)), memory_(allocate_for(to)) {}

  void* data() const { return memory_.data(); }
  const void* of(const void* source) {
    reorder_.run({{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, data()}});
    return data();
  }

 private:
  Primitive reorder_;
  Buffer<std::byte> memory_;
};

// Three matrix products. The weights are by far the largest operand and the slowest to turn around, so the
// products are arranged such that they are read and written as they lie, W and dW on the left or as the
// result with rows of inputs, and the activations are copied instead: y^T = W x^T and dW = dy^T x.
class HostLinear final : public Linear {
 public:
  explicit HostLinear(const LinearShape& shape)
      : shape_(shape), bias_gradient_(shape.batch, shape.outputs, shape.activation) {
    if (shape.batch > 0) plan();
  }

  void forward(StreamView, ConstTensor x, ConstTensor weight, ConstTensor bias, Tensor y) override {
    if (shape_.batch == 0) return;
    product_.run(weight.as<float>(), x_transposed_.of(x.as<float>()), y_transposed_.data());
    turn_result_.run({{DNNL_ARG_FROM, y_transposed_.data()}, {DNNL_ARG_TO, y.as<float>()}});
    add_bias(bias.as<float>(), shape_.batch, shape_.outputs, shape_.activation, y.as<float>());
  }

  void backward_parameters(StreamView, ConstTensor x, ConstTensor y, Tensor dy, GradientMode mode,
                           Tensor dweight, Tensor dbias) override {
    bias_gradient_(y.as<float>(), dy.as<float>(), mode, dbias.as<float>());
    if (shape_.batch == 0) {
      const auto gradient = dweight.span<float>();
      if (mode == GradientMode::overwrite) std::fill(gradient.begin(), gradient.end(), 0.0F);
      return;
    }
    Product& product = mode == GradientMode::overwrite ? overwrite_weight_ : accumulate_weight_;
    product.run(y_transposed_.of(dy.as<float>()), packed_x_.of(x.as<float>()), dweight.as<float>());
  }

  void backward_data(StreamView, ConstTensor dy, ConstTensor weight, Tensor dx) override {
    if (shape_.batch > 0) backward_data_.run(dy.as<float>(), weight.as<float>(), dx.as<float>());
  }

 private:
  void plan() {
    const Layouts layout(shape_);
    const Layout turned_y = row_major({shape_.outputs, shape_.batch});
    product_ = {layout.weight, any_layout({shape_.inputs, shape_.batch}), turned_y};
    x_transposed_ = {layout.x_transposed, product_.right()};
    y_transposed_ = {layout.y_transposed, turned_y};
    turn_result_ = plan_reorder(turned_y, layout.y_transposed);
    overwrite_weight_ = {turned_y, any_layout({shape_.batch, shape_.inputs}), layout.weight};
    accumulate_weight_ = {turned_y, overwrite_weight_.right(), layout.weight, GradientMode::accumulate};
    packed_x_ = {layout.x, overwrite_weight_.right()};
    backward_data_ = {layout.y, layout.weight, layout.x};
  }

  LinearShape shape_;
  BiasGradient bias_gradient_;
  Product product_, backward_data_, overwrite_weight_, accumulate_weight_;
  Copy x_transposed_, y_transposed_, packed_x_;
  Primitive turn_result_;
};

}  // namespace

std::unique_ptr<Linear> plan_linear(Device, const LinearShape& shape) {
  return std::make_unique<HostLinear>(shape);
}

}  // namespace eightfold::kernels::host
