#include "runtime/model/layers/registry.hpp"

// Every kind, described beside its implementation: a new one is a file, and its name here.
#define EIGHTFOLD_LAYER_KINDS(kind) \
  kind(linear) kind(conv2d) kind(max_pool) kind(average_pool) kind(relu) kind(tanh) kind(dropout) kind(lrn)

namespace eightfold::runtime::model::layers {

#define EIGHTFOLD_DECLARE(name) const LayerKind& name();
EIGHTFOLD_LAYER_KINDS(EIGHTFOLD_DECLARE)

const std::vector<const LayerKind*>& all_layer_kinds() {
#define EIGHTFOLD_ADDRESS(name) &name(),
  static const std::vector<const LayerKind*> kinds = {EIGHTFOLD_LAYER_KINDS(EIGHTFOLD_ADDRESS)};
  return kinds;
}

const LayerKind& find_layer_kind(std::string_view name) {
  return config::require_kind(all_layer_kinds(), name);
}

}  // namespace eightfold::runtime::model::layers
