// dropout
#include "kernels/base/error.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/random_ranges.hpp"
#include "runtime/config/field.hpp"
#include "runtime/config/ranges.hpp"
#include "runtime/model/layers/layer_kind.hpp"

namespace eightfold::runtime::model::layers {
namespace {

using kernels::ConstTensor;
using kernels::Shape;
using kernels::StreamView;
using kernels::Tensor;

struct DropoutOptions {
  double rate = 0.5;
};

// In place even behind a fused ReLU, whose backward pass asks only where y > 0: kept units keep their sign,
// and dropped ones receive no gradient to mask.
class DropoutLayer final : public Layer {
 public:
  DropoutLayer(const DropoutOptions& options, const LayerSite& site)
      : shape_(site.input), rate_(static_cast<float>(options.rate)), index_(site.index) {}

  Shape output_shape() const override { return shape_; }
  bool in_place() const override { return true; }
  void forward(StreamView stream, const PassContext& pass, ConstTensor x, Tensor y) override {
    if (pass.phase == Phase::training) kernels::dropout(stream, mask(pass), x, y);
  }
  void backward_data(StreamView stream, const PassContext& pass, ConstTensor, ConstTensor, Tensor dy,
                     Tensor dx) override {
    kernels::dropout(stream, mask(pass), dy, dx);
  }

 private:
  // The mask follows from seed, step, layer and the sample's row in the global batch. So it does not
  // depend on ranks and passes, and the backward pass computes it again instead of storing it.
  kernels::DropoutMask mask(const PassContext& pass) const {
    const std::int64_t features = shape_[0] == 0 ? 0 : shape_.elements() / shape_[0];
    return {rate_,
            {pass.seed, static_cast<std::uint32_t>(pass.step), kernels::RandomRange::kLayers + index_},
            static_cast<std::uint64_t>(pass.first * features)};
  }

  Shape shape_;
  float rate_;
  std::uint32_t index_;
};

std::unique_ptr<Layer> make(const DropoutOptions& options, const LayerSite& site) {
  return std::make_unique<DropoutLayer>(options, site);
}

}  // namespace

const LayerKind& dropout() {
  static const LayerKind kind = layer_kind<DropoutOptions>(
      {.name = "dropout",
       .help = "drops values at random.",
       .keys = {config::field("rate", &DropoutOptions::rate,
                              {.help = "Probability that a value is dropped in training.",
                               .range = config::from_to_below(0, 1)})}},
      make);
  return kind;
}

}  // namespace eightfold::runtime::model::layers
