#pragma once

// The places of values in a file or on a command line.

#include <map>
#include <string>

namespace eightfold::runtime::config {

// The place of a value, for messages: "job.toml:12:3", "--set job.seed=7" or "default".
struct Place {
  std::string text = "default";
  std::string expanded = {};  // of a path with ~ or a variable: a text that means the same anywhere
};

// The place of each key, by its full name: "job.seed", "model.layer[2].rate". Keys at their default are
// absent.
using Origins = std::map<std::string, Place, std::less<>>;

}  // namespace eightfold::runtime::config
