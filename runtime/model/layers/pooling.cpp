// max_pool, average_pool
#include "kernels/pooling.hpp"

#include "kernels/base/error.hpp"
#include "runtime/config/field.hpp"
#include "runtime/config/ranges.hpp"
#include "runtime/config/together.hpp"
#include "runtime/model/layers/layer_kind.hpp"

#include <string_view>

namespace eightfold::runtime::model::layers {
namespace {

using kernels::ConstTensor;
using kernels::Shape;
using kernels::StreamView;
using kernels::Tensor;

struct PoolingOptions {
  std::int64_t kernel = 0;
  std::int64_t stride = 0;  // 0: the kernel
  std::int64_t padding = 0;
};

class PoolingLayer final : public Layer {
 public:
  PoolingLayer(const LayerSite& site, const kernels::PoolingShape& shape)
      : shape_(shape), plan_(kernels::plan_pooling(site.device, shape)) {}

  Shape output_shape() const override {
    return {shape_.batch, shape_.out_height(), shape_.out_width(), shape_.channels};
  }
  void forward(StreamView stream, const PassContext&, ConstTensor x, Tensor y) override {
    plan_->forward(stream, x, y);
  }
  void backward_data(StreamView stream, const PassContext&, ConstTensor, ConstTensor, Tensor dy,
                     Tensor dx) override {
    plan_->backward(stream, dy, dx);
  }

 private:
  kernels::PoolingShape shape_;
  std::unique_ptr<kernels::Pooling> plan_;
};

std::unique_ptr<Layer> make_pooling(const PoolingOptions& options, const LayerSite& site,
                                    kernels::PoolingMode mode, std::string_view kind) {
  require_image(site, kind);
  if (options.padding >= options.kernel)
    base::raise<base::ConfigError>("{}: {}: padding {} must be less than the kernel {}", site.place.text,
                                   kind, options.padding, options.kernel);
  require_window(site, kind, options.kernel, options.padding);
  return std::make_unique<PoolingLayer>(
      site, kernels::PoolingShape{.batch = site.input[0],
                                  .height = site.input[1],
                                  .width = site.input[2],
                                  .channels = site.input[3],
                                  .kernel = options.kernel,
                                  .stride = options.stride == 0 ? options.kernel : options.stride,
                                  .padding = options.padding,
                                  .mode = mode});
}

config::Kind<PoolingOptions> pooling(std::string_view name, std::string_view help) {
  const config::Range pixels = config::between(0, 4096);
  return {.name = name,
          .help = std::string(help),
          .keys = {config::field("kernel", &PoolingOptions::kernel,
                                 {.help = "Width and height of the window.",
                                  .unit = "pixels",
                                  .range = config::between(1, 4096),
                                  .required = true}),
                   config::field("stride", &PoolingOptions::stride,
                                 {.help = "From one window to the next; 0: the kernel.",
                                  .unit = "pixels",
                                  .range = pixels}),
                   config::field("padding", &PoolingOptions::padding,
                                 {.help = "Around the image; it does not count, and is less than the kernel.",
                                  .unit = "pixels",
                                  .range = pixels})},
          .complete =
              [](PoolingOptions& options) {
                if (options.stride == 0) options.stride = options.kernel;
              },
          .check =
              [](const PoolingOptions& options, const config::Together& together) {
                together.check({"kind", "padding", "kernel"}, [&] {
                  if (options.padding >= options.kernel)
                    base::raise<base::ConfigError>("{}: {} is {}; allowed: less than kernel = {}",
                                                   together.place("padding"), together.full_name("padding"),
                                                   options.padding, options.kernel);
                });
              }};
}

}  // namespace

const LayerKind& max_pool() {
  static const LayerKind kind =
      layer_kind<PoolingOptions>(pooling("max_pool", "the largest value of each window."),
                                 [](const PoolingOptions& options, const LayerSite& site) {
                                   return make_pooling(options, site, kernels::PoolingMode::max, "max_pool");
                                 },
                                 {.keeps_order = true});
  return kind;
}

const LayerKind& average_pool() {
  static const LayerKind kind = layer_kind<PoolingOptions>(
      pooling("average_pool", "the mean of each window."),
      [](const PoolingOptions& options, const LayerSite& site) {
        return make_pooling(options, site, kernels::PoolingMode::average, "average_pool");
      });
  return kind;
}

}  // namespace eightfold::runtime::model::layers
