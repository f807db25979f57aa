#pragma once

// A layer, an optimizer, or whatever else a job names by its kind.

#include "runtime/config/value.hpp"

#include <map>
#include <string>

namespace eightfold::runtime::config {

struct Choice {
  std::string kind;
  std::map<std::string, Value, std::less<>> values = {};  // of the kind's own keys; absent: the default
};

}  // namespace eightfold::runtime::config
