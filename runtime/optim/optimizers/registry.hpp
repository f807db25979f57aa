#pragma once

// All kinds of optimizers that a job can name.

#include "runtime/optim/optimizers/optimizer_kind.hpp"

#include <string_view>
#include <vector>

namespace eightfold::runtime::optim::optimizers {

// In the order of the documentation.
const std::vector<const OptimizerKind*>& all_optimizer_kinds();
const OptimizerKind& find_optimizer_kind(std::string_view name);  // requires one

}  // namespace eightfold::runtime::optim::optimizers
