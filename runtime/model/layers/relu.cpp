#include "runtime/model/layers/layer_kind.hpp"
#include "runtime/model/layers/pointwise_layer.hpp"

namespace eightfold::runtime::model::layers {
namespace {

struct NoOptions {};

std::unique_ptr<Layer> make(const NoOptions&, const LayerSite& site) {
  return std::make_unique<PointwiseLayer>(kernels::Pointwise::relu, site.input);
}

}  // namespace

const LayerKind& relu() {
  static const LayerKind kind =
      layer_kind<NoOptions>({.name = "relu", .help = "max(0, x)."}, make, {.is = kernels::Activation::relu});
  return kind;
}

}  // namespace eightfold::runtime::model::layers
