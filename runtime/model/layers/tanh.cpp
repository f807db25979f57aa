#include "runtime/model/layers/layer_kind.hpp"
#include "runtime/model/layers/pointwise_layer.hpp"

namespace eightfold::runtime::model::layers {
namespace {

struct NoOptions {};

std::unique_ptr<Layer> make(const NoOptions&, const LayerSite& site) {
  return std::make_unique<PointwiseLayer>(kernels::Pointwise::tanh, site.input);
}

}  // namespace

const LayerKind& tanh() {
  static const LayerKind kind = layer_kind<NoOptions>(
      {.name = "tanh", .help = "hyperbolic tangent, the same bits on the host and on a GPU."}, make);
  return kind;
}

}  // namespace eightfold::runtime::model::layers
