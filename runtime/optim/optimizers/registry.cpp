#include "runtime/optim/optimizers/registry.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>

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
  const auto& kinds = all_optimizer_kinds();
  const auto kind = std::ranges::find(kinds, name, [](const OptimizerKind* each) { return each->name; });
  base::require(kind != kinds.end(), "optimizer kind \"{}\"", name);
  return **kind;
}

}  // namespace eightfold::runtime::optim::optimizers
