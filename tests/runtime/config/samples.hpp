#pragma once

// Jobs for the tests of the config.

#include "runtime/config/parse.hpp"

#include <string>
#include <vector>

namespace eightfold::runtime::config {

// The smallest job: what is required and nothing else. Ends in line 5, inside the only layer.
inline const std::string kSmallest = R"([job]
name = "x"
[[model.layer]]
kind = "linear"
out = 10
)";

inline ParsedJob parse_with(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse_job(text, "job.toml", overrides);
}

inline ParsedJob override_smallest(const std::vector<std::string>& overrides) {
  return parse_with(kSmallest, overrides);
}

}  // namespace eightfold::runtime::config
