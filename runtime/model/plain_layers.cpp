// Layers without parameters: pooling, relu, dropout, local response normalisation.
#include "kernels/elementwise.hpp"
#include "kernels/normalization.hpp"
#include "kernels/pooling.hpp"
#include "kernels/random_ranges.hpp"
#include "runtime/model/layer_kinds.hpp"

namespace eightfold::runtime::model {
namespace {

using kernels::ConstTensor;
using kernels::Shape;
using kernels::StreamView;
using kernels::Tensor;

class PoolingLayer final : public Layer {
 public:
  PoolingLayer(const LayerSite& site, const kernels::PoolingShape& shape)
      : shape_(shape), plan_(kernels::plan_pooling(site.device, shape)) {}

  Shape output_shape() const override {
    return {shape_.batch, shape_.out_height(), shape_.out_width(), shape_.channels};
  }
  void forward(StreamView stream, const Pass&, ConstTensor x, Tensor y) override {
    plan_->forward(stream, x, y);
  }
  void backward_data(StreamView stream, const Pass&, ConstTensor, ConstTensor, Tensor dy,
                     Tensor dx) override {
    plan_->backward(stream, dy, dx);
  }

 private:
  kernels::PoolingShape shape_;
  std::unique_ptr<kernels::Pooling> plan_;
};

class ReluLayer final : public Layer {
 public:
  explicit ReluLayer(const Shape& shape) : shape_(shape) {}

  Shape output_shape() const override { return shape_; }
  bool in_place() const override { return true; }
  void forward(StreamView stream, const Pass&, ConstTensor x, Tensor y) override {
    kernels::relu_forward(stream, x, y);
  }
  void backward_data(StreamView stream, const Pass&, ConstTensor, ConstTensor y, Tensor dy,
                     Tensor dx) override {
    kernels::relu_backward(stream, y, dy, dx);
  }

 private:
  Shape shape_;
};

// In place even behind a fused ReLU, whose backward pass asks only where y > 0: kept units keep their sign,
// and dropped ones receive no gradient to mask.
class DropoutLayer final : public Layer {
 public:
  DropoutLayer(const LayerSite& site)
      : shape_(site.input), rate_(static_cast<float>(site.config.rate)), index_(site.index) {}

  Shape output_shape() const override { return shape_; }
  bool in_place() const override { return true; }
  void forward(StreamView stream, const Pass& pass, ConstTensor x, Tensor y) override {
    if (pass.phase == Phase::training) kernels::dropout(stream, mask(pass), x, y);
  }
  void backward_data(StreamView stream, const Pass& pass, ConstTensor, ConstTensor, Tensor dy,
                     Tensor dx) override {
    kernels::dropout(stream, mask(pass), dy, dx);
  }

 private:
  kernels::DropoutMask mask(const Pass& pass) const {
    const std::int64_t features = shape_[0] == 0 ? 0 : shape_.elements() / shape_[0];
    return {rate_,
            {pass.seed, static_cast<std::uint32_t>(pass.step), kernels::RandomRange::kLayers + index_},
            static_cast<std::uint64_t>(pass.first * features)};
  }

  Shape shape_;
  float rate_;
  std::uint32_t index_;
};

class LocalResponseLayer final : public Layer {
 public:
  explicit LocalResponseLayer(const LayerSite& site)
      : shape_(site.input),
        parameters_{site.config.size, static_cast<float>(site.config.alpha),
                    static_cast<float>(site.config.beta), static_cast<float>(site.config.k)} {}

  Shape output_shape() const override { return shape_; }
  void forward(StreamView stream, const Pass&, ConstTensor x, Tensor y) override {
    kernels::local_response_forward(stream, parameters_, x, y);
  }
  void backward_data(StreamView stream, const Pass&, ConstTensor x, ConstTensor, Tensor dy,
                     Tensor dx) override {
    kernels::local_response_backward(stream, parameters_, x, dy, dx);
  }

 private:
  Shape shape_;
  kernels::LocalResponse parameters_;
};

}  // namespace

std::unique_ptr<Layer> make_pooling(const LayerSite& site) {
  const config::Layer& config = site.config;
  const bool max = config.kind == config::LayerKind::max_pool;
  const char* kind = max ? "max_pool" : "average_pool";
  require_image(site, kind);
  if (config.padding >= config.kernel)
    base::raise<base::ConfigError>("{}: {}: padding {} must be less than the kernel {}", config.place.text,
                                   kind, config.padding, config.kernel);
  require_window(site, kind);
  return std::make_unique<PoolingLayer>(
      site, kernels::PoolingShape{.batch = site.input[0],
                                  .height = site.input[1],
                                  .width = site.input[2],
                                  .channels = site.input[3],
                                  .kernel = config.kernel,
                                  .stride = config.stride == 0 ? config.kernel : config.stride,
                                  .padding = config.padding,
                                  .mode = max ? kernels::PoolingMode::max : kernels::PoolingMode::average});
}

std::unique_ptr<Layer> make_relu(const LayerSite& site) {
  return std::make_unique<ReluLayer>(site.input);
}
std::unique_ptr<Layer> make_dropout(const LayerSite& site) {
  return std::make_unique<DropoutLayer>(site);
}

std::unique_ptr<Layer> make_local_response(const LayerSite& site) {
  require_image(site, "lrn");
  return std::make_unique<LocalResponseLayer>(site);
}

}  // namespace eightfold::runtime::model
