// conv2d
#include "kernels/convolution.hpp"

#include "kernels/base/error.hpp"
#include "runtime/config/field.hpp"
#include "runtime/config/ranges.hpp"
#include "runtime/config/together.hpp"
#include "runtime/model/layers/layer_kind.hpp"
#include "runtime/model/layers/weighted_layer.hpp"

#include <algorithm>

namespace eightfold::runtime::model::layers {
namespace {

using kernels::ConstTensor;
using kernels::Shape;
using kernels::StreamView;
using kernels::Tensor;

struct ConvolutionOptions : WeightOptions {
  std::int64_t kernel = 0;
  std::int64_t stride = 0;  // 0: 1
  std::int64_t padding = 0;
  std::int64_t groups = 1;
};

class ConvolutionLayer final : public WeightedLayer {
 public:
  ConvolutionLayer(const ConvolutionOptions& options, const LayerSite& site,
                   const kernels::ConvolutionShape& shape)
      : WeightedLayer(options,
                      Shape{shape.out_channels, shape.kernel, shape.kernel, shape.in_channels / shape.groups},
                      // The fan counts a group alone: an output sees no input of another.
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
  void forward(StreamView stream, const PassContext&, ConstTensor x, Tensor y) override {
    plan_->forward(stream, x, bias_, y);
  }
  void backward_parameters(StreamView stream, const PassContext& pass, ConstTensor x, ConstTensor y,
                           Tensor dy) override {
    plan_->backward_parameters(stream, x, y, dy, pass.gradients, dweight_, dbias_);
  }
  void backward_data(StreamView stream, const PassContext&, ConstTensor, ConstTensor, Tensor dy,
                     Tensor dx) override {
    plan_->backward_data(stream, dy, dx);
  }

 private:
  kernels::ConvolutionShape shape_;
  std::unique_ptr<kernels::Convolution> plan_;
};

std::unique_ptr<Layer> make(const ConvolutionOptions& options, const LayerSite& site) {
  require_image(site, "conv2d");
  const kernels::ConvolutionShape shape{.batch = site.input[0],
                                        .height = site.input[1],
                                        .width = site.input[2],
                                        .in_channels = site.input[3],
                                        .out_channels = options.out,
                                        .kernel = options.kernel,
                                        .stride = options.stride == 0 ? 1 : options.stride,
                                        .padding = options.padding,
                                        .groups = options.groups,
                                        .activation = site.activation};
  // check() cannot look at the channels in: only the planned network knows them.
  if (shape.in_channels % shape.groups != 0 || shape.out_channels % shape.groups != 0)
    base::raise<base::ConfigError>("{}: conv2d: groups {} must divide the {} channels in and the {} out",
                                   site.place.text, shape.groups, shape.in_channels, shape.out_channels);
  require_window(site, "conv2d", options.kernel, options.padding);
  const auto out = static_cast<double>(shape.out_channels);
  const double filter =
      static_cast<double>(shape.kernel * shape.kernel) * static_cast<double>(shape.in_channels);
  const double pixels = static_cast<double>(shape.batch) * static_cast<double>(shape.out_height()) *
                        static_cast<double>(shape.out_width());
  // The larger of weights and output, in floating point: the product of extents from a job file may exceed 64
  // bits.
  require_size(site, "conv2d", out * std::max(filter, pixels));
  return std::make_unique<ConvolutionLayer>(options, site, shape);
}

void check(const ConvolutionOptions& options, const config::Together& together) {
  together.check({"kind", "out", "groups"}, [&] {
    if (options.out % options.groups != 0)
      base::raise<base::ConfigError>("{}: {} = {} does not divide out = {}; allowed: a divisor of it",
                                     together.place("groups"), together.full_name("groups"), options.groups,
                                     options.out);
  });
}

std::vector<config::Key<ConvolutionOptions>> keys() {
  using Options = ConvolutionOptions;
  const config::Range pixels = config::between(0, 4096);
  std::vector<config::Key<Options>> keys = config::keys_of_base<Options>(weight_keys("Channels."));
  for (auto& key :
       {config::field("kernel", &Options::kernel,
                      {.help = "Width and height of the window.",
                      .unit = "pixels",
                      .range = config::between(1, 4096),
                      .required = true}),
        config::field("stride", &Options::stride,
                      {.help = "From one window to the next; 0: 1.", .unit = "pixels", .range = pixels}),
        config::field("padding", &Options::padding,
                      {.help = "Zeros around the image.", .unit = "pixels", .range = pixels}),
        config::field("groups", &Options::groups,
                      {.help = "Channels are cut into this many groups that do not see each other.",
                      .range = config::at_least(1)})})
    keys.push_back(key);
  return keys;
}

}  // namespace

const LayerKind& conv2d() {
  static const LayerKind kind = layer_kind<ConvolutionOptions>(
      {.name = "conv2d",
       .help = "convolution.",
       .keys = keys(),
       .complete =
           [](ConvolutionOptions& options) { options.stride = std::max<std::int64_t>(1, options.stride); },
       .check = check},
      make, {.applies_activation = true});
  return kind;
}

}  // namespace eightfold::runtime::model::layers
