// lrn
#include "kernels/base/error.hpp"
#include "kernels/normalization.hpp"
#include "runtime/config/field.hpp"
#include "runtime/config/ranges.hpp"
#include "runtime/config/together.hpp"
#include "runtime/model/layers/layer_kind.hpp"

namespace eightfold::runtime::model::layers {
namespace {

using kernels::ConstTensor;
using kernels::Shape;
using kernels::StreamView;
using kernels::Tensor;

struct LocalResponseOptions {
  std::int64_t size = 5;
  double alpha = 1e-4;
  double beta = 0.75;
  double k = 2;
};

class LocalResponseLayer final : public Layer {
 public:
  LocalResponseLayer(const LocalResponseOptions& options, const LayerSite& site)
      : shape_(site.input),
        parameters_{options.size, static_cast<float>(options.alpha), static_cast<float>(options.beta),
                    static_cast<float>(options.k)} {}

  Shape output_shape() const override { return shape_; }
  void forward(StreamView stream, const PassContext&, ConstTensor x, Tensor y) override {
    kernels::local_response_forward(stream, parameters_, x, y);
  }
  void backward_data(StreamView stream, const PassContext&, ConstTensor x, ConstTensor, Tensor dy,
                     Tensor dx) override {
    kernels::local_response_backward(stream, parameters_, x, dy, dx);
  }

 private:
  Shape shape_;
  kernels::LocalResponse parameters_;
};

std::unique_ptr<Layer> make(const LocalResponseOptions& options, const LayerSite& site) {
  require_image(site, "lrn");
  return std::make_unique<LocalResponseLayer>(options, site);
}

void check(const LocalResponseOptions& options, const config::Together& together) {
  together.check({"kind", "size"}, [&] {
    if (options.size % 2 == 0)
      base::raise<base::ConfigError>("{}: {} is {}; allowed: an odd number", together.place("size"),
                                     together.full_name("size"), options.size);
  });
}

}  // namespace

const LayerKind& lrn() {
  using Options = LocalResponseOptions;
  static const LayerKind kind = layer_kind<Options>(
      {.name = "lrn",
       .help = "local response normalisation (Krizhevsky et al. 2012, section 3.3).",
       .keys = {config::field("size", &Options::size,
                              {.help = "Neighbouring channels that are counted together; odd.",
                               .unit = "channels",
                               .range = config::between(1, 4095)}),
                config::field(
                    "alpha", &Options::alpha,
                    {.help = "Strength, divided by size: x / (k + alpha / size * sum of squares)^beta.",
                     .range = config::not_negative()}),
                config::field("beta", &Options::beta, {.help = "Exponent.", .range = config::not_negative()}),
                config::field("k", &Options::k,
                              {.help = "What stands beside the sum.", .range = config::positive()})},
       .check = check},
      make);
  return kind;
}

}  // namespace eightfold::runtime::model::layers
