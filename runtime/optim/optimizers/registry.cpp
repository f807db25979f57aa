#include "runtime/optim/optimizers/registry.hpp"

// Every kind, described beside its rule: a new one is a file, and its name here.
#define EIGHTFOLD_OPTIMIZER_KINDS(kind) kind(sgd) kind(rmsprop) kind(adamw) kind(lion)

namespace eightfold::runtime::optim::optimizers {

#define EIGHTFOLD_DECLARE(name) const OptimizerKind& name();
EIGHTFOLD_OPTIMIZER_KINDS(EIGHTFOLD_DECLARE)

const std::vector<const OptimizerKind*>& all_optimizer_kinds() {
#define EIGHTFOLD_ADDRESS(name) &name(),
  static const std::vector<const OptimizerKind*> kinds = {EIGHTFOLD_OPTIMIZER_KINDS(EIGHTFOLD_ADDRESS)};
  return kinds;
}

const OptimizerKind& find_optimizer_kind(std::string_view name) {
  return config::require_kind(all_optimizer_kinds(), name);
}

}  // namespace eightfold::runtime::optim::optimizers
