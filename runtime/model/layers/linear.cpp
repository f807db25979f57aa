// linear
#include "kernels/linear.hpp"

#include "runtime/model/layers/layer_kind.hpp"
#include "runtime/model/layers/weighted_layer.hpp"

#include <algorithm>

namespace eightfold::runtime::model::layers {
namespace {

using kernels::ConstTensor;
using kernels::Shape;
using kernels::StreamView;
using kernels::Tensor;

class LinearLayer final : public WeightedLayer {
 public:
  LinearLayer(const WeightOptions& options, const LayerSite& site, const kernels::LinearShape& shape)
      : WeightedLayer(options, Shape{shape.outputs, shape.inputs}, {shape.inputs, shape.outputs}),
        shape_(shape),
        plan_(kernels::plan_linear(site.device, shape)) {}

  Shape output_shape() const override { return {shape_.batch, shape_.outputs}; }
  double forward_flops() const override {
    return 2.0 * static_cast<double>(shape_.batch) * static_cast<double>(shape_.inputs * shape_.outputs);
  }

  void forward(StreamView stream, const PassContext&, ConstTensor x, Tensor y) override {
    plan_->forward(stream, x.reshaped(flat()), weight_, bias_, y);
  }
  void backward_parameters(StreamView stream, const PassContext& pass, ConstTensor x, ConstTensor y,
                           Tensor dy) override {
    plan_->backward_parameters(stream, x.reshaped(flat()), y, dy, pass.gradients, dweight_, dbias_);
  }
  void backward_data(StreamView stream, const PassContext&, ConstTensor, ConstTensor, Tensor dy,
                     Tensor dx) override {
    plan_->backward_data(stream, dy, weight_, dx.reshaped(flat()));
  }

 private:
  // The values of an image lie in one row already: flattening it copies nothing.
  Shape flat() const { return {shape_.batch, shape_.inputs}; }

  kernels::LinearShape shape_;
  std::unique_ptr<kernels::Linear> plan_;
};

std::unique_ptr<Layer> make(const WeightOptions& options, const LayerSite& site) {
  const std::int64_t rows = site.input[0];
  const std::int64_t inputs = rows == 0 ? 0 : site.input.elements() / rows;
  const auto out = static_cast<double>(options.out);
  require_size(site, "linear", std::max(static_cast<double>(inputs), static_cast<double>(rows)) * out);
  return std::make_unique<LinearLayer>(options, site,
                                       kernels::LinearShape{rows, inputs, options.out, site.activation});
}

}  // namespace

const LayerKind& linear() {
  static const LayerKind kind = layer_kind<WeightOptions>(
      {.name = "linear", .help = "every output sees every input.", .keys = weight_keys("Units.")}, make,
      {.applies_activation = true});
  return kind;
}

}  // namespace eightfold::runtime::model::layers
