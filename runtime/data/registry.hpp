#pragma once

// All kinds of data that a job can name.

#include "runtime/data/data_kind.hpp"

#include <string_view>
#include <vector>

namespace eightfold::runtime::data {

// In the order of the documentation.
const std::vector<const DataKind*>& all_data_kinds();
const DataKind& find_data_kind(std::string_view name);  // requires one

}  // namespace eightfold::runtime::data
