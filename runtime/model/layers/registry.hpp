#pragma once

// All kinds of layers that a job can name.

#include "runtime/model/layers/layer_kind.hpp"

#include <string_view>
#include <vector>

namespace eightfold::runtime::model::layers {

// In the order of the documentation.
const std::vector<const LayerKind*>& all_layer_kinds();
const LayerKind& find_layer_kind(std::string_view name);  // requires one

}  // namespace eightfold::runtime::model::layers
