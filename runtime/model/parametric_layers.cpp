// Layers with parameters: linear and conv2d.
#include "kernels/convolution.hpp"
#include "kernels/linear.hpp"
#include "runtime/model/layer_kinds.hpp"

#include <algorithm>

namespace eightfold::runtime::model {
namespace {

using kernels::ConstTensor;
using kernels::Shape;
using kernels::StreamView;
using kernels::Tensor;

kernels::Initializer initializer_of(config::Init init) {
  switch (init) {
    case config::Init::he:
      return kernels::Initializer::he;
    case config::Init::glorot:
      return kernels::Initializer::glorot;
    case config::Init::normal:
      return kernels::Initializer::normal;
    case config::Init::zeros:
      return kernels::Initializer::zeros;
  }
  return kernels::Initializer::zeros;
}

// A weight and a bias, and where they and their gradients are.
class ParametricLayer : public Layer {
 public:
  std::vector<ParameterSpec> parameters() const final { return {weight_spec_, bias_spec_}; }
  void bind(const std::vector<ConstTensor>& values, const std::vector<Tensor>& gradients) final {
    weight_ = values.at(0);
    bias_ = values.at(1);
    dweight_ = gradients.at(0);
    dbias_ = gradients.at(1);
  }

 protected:
  ParametricLayer(const config::Layer& config, Shape weight, std::int64_t outputs, kernels::Fan fan)
      : weight_spec_{"weight",
                     weight,
                     initializer_of(config.init),
                     fan,
                     static_cast<float>(config.init_stddev),
                     0},
        bias_spec_{"bias",
                   Shape{outputs},
                   kernels::Initializer::zeros,
                   fan,
                   0,
                   static_cast<float>(config.init_bias)} {}

  ConstTensor weight_, bias_;
  Tensor dweight_, dbias_;

 private:
  ParameterSpec weight_spec_, bias_spec_;
};

class LinearLayer final : public ParametricLayer {
 public:
  LinearLayer(const LayerSite& site, const kernels::LinearShape& shape)
      : ParametricLayer(site.config, Shape{shape.outputs, shape.inputs}, shape.outputs,
                        {shape.inputs, shape.outputs}),
        shape_(shape),
        plan_(kernels::plan_linear(site.device, shape)) {}

  Shape output_shape() const override { return {shape_.batch, shape_.outputs}; }
  double forward_flops() const override {
    return 2.0 * static_cast<double>(shape_.batch) * static_cast<double>(shape_.inputs * shape_.outputs);
  }

  void forward(StreamView stream, const Pass&, ConstTensor x, Tensor y) override {
    plan_->forward(stream, x.reshaped(flat()), weight_, bias_, y);
  }
  void backward_parameters(StreamView stream, const Pass& pass, ConstTensor x, ConstTensor y,
                           Tensor dy) override {
    plan_->backward_parameters(stream, x.reshaped(flat()), y, dy, pass.gradients, dweight_, dbias_);
  }
  void backward_data(StreamView stream, const Pass&, ConstTensor, ConstTensor, Tensor dy,
                     Tensor dx) override {
    plan_->backward_data(stream, dy, weight_, dx.reshaped(flat()));
  }

 private:
  Shape flat() const { return {shape_.batch, shape_.inputs}; }

  kernels::LinearShape shape_;
  std::unique_ptr<kernels::Linear> plan_;
};

class ConvolutionLayer final : public ParametricLayer {
 public:
  ConvolutionLayer(const LayerSite& site, const kernels::ConvolutionShape& shape)
      : ParametricLayer(
            site.config,
            Shape{shape.out_channels, shape.kernel, shape.kernel, shape.in_channels / shape.groups},
            shape.out_channels,
            {shape.kernel * shape.kernel * shape.in_channels / shape.groups,
             shape.kernel * shape.kernel * shape.out_channels / shape.groups}),
        shape_(shape),
        plan_(kernels::plan_convolution(site.device, shape)) {}

  Shape output_shape() const override {
    return {shape_.batch, shape_.out_height(), shape_.out_width(), shape_.out_channels};
  }
  double forward_flops() const override {
    return 2.0 * static_cast<double>(output_shape().elements()) *
           static_cast<double>(shape_.kernel * shape_.kernel * shape_.in_channels / shape_.groups);
  }

  void begin_step(StreamView stream) override { plan_->begin_step(stream, weight_); }
  void forward(StreamView stream, const Pass&, ConstTensor x, Tensor y) override {
    plan_->forward(stream, x, bias_, y);
  }
  void backward_parameters(StreamView stream, const Pass& pass, ConstTensor x, ConstTensor y,
                           Tensor dy) override {
    plan_->backward_parameters(stream, x, y, dy, pass.gradients, dweight_, dbias_);
  }
  void backward_data(StreamView stream, const Pass&, ConstTensor, ConstTensor, Tensor dy,
                     Tensor dx) override {
    plan_->backward_data(stream, dy, dx);
  }

 private:
  kernels::ConvolutionShape shape_;
  std::unique_ptr<kernels::Convolution> plan_;
};

}  // namespace

std::unique_ptr<Layer> make_linear(const LayerSite& site) {
  const std::int64_t rows = site.input[0];
  const std::int64_t inputs = rows == 0 ? 0 : site.input.elements() / rows;
  const auto out = static_cast<double>(site.config.out);
  require_size(site, "linear", std::max(static_cast<double>(inputs), static_cast<double>(rows)) * out);
  return std::make_unique<LinearLayer>(site,
                                       kernels::LinearShape{rows, inputs, site.config.out, site.activation});
}

std::unique_ptr<Layer> make_convolution(const LayerSite& site) {
  const config::Layer& config = site.config;
  require_image(site, "conv2d");
  const kernels::ConvolutionShape shape{.batch = site.input[0],
                                        .height = site.input[1],
                                        .width = site.input[2],
                                        .in_channels = site.input[3],
                                        .out_channels = config.out,
                                        .kernel = config.kernel,
                                        .stride = config.stride == 0 ? 1 : config.stride,
                                        .padding = config.padding,
                                        .groups = config.groups,
                                        .activation = site.activation};
  if (shape.in_channels % shape.groups != 0 || shape.out_channels % shape.groups != 0)
    base::raise<base::ConfigError>("{}: conv2d: groups {} must divide the {} channels in and the {} out",
                                   config.place.text, shape.groups, shape.in_channels, shape.out_channels);
  require_window(site, "conv2d");
  const auto out = static_cast<double>(shape.out_channels);
  const double filter =
      static_cast<double>(shape.kernel * shape.kernel) * static_cast<double>(shape.in_channels);
  const double pixels = static_cast<double>(shape.batch) * static_cast<double>(shape.out_height()) *
                        static_cast<double>(shape.out_width());
  require_size(site, "conv2d", out * std::max(filter, pixels));
  return std::make_unique<ConvolutionLayer>(site, shape);
}

}  // namespace eightfold::runtime::model
