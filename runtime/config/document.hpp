#pragma once

// What a user has written, key by key, before it becomes a JobConfig: every key here is known and every value
// is one that its key accepts. Whether the keys fit together is not asked yet: an override may still change
// one of them.

#include "runtime/config/job.hpp"
#include "runtime/config/value.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::runtime::config {

struct Given {
  Value value;
  Place place;
};

struct GivenSection {
  Place place;  // of its heading; without one, of the whole file
  std::map<std::string, Given, std::less<>> keys;
};

struct Document {
  Place place;  // the file
  std::map<std::string, GivenSection, std::less<>> sections;
  std::vector<GivenSection> layers;
};

// Reads a TOML text. Throws ConfigError "source:line:column: what is wrong; what is allowed".
Document read_document(std::string_view text, std::string_view source);

// Adds "section.key=value" or "model.layer[2].key=value", replacing what the file says. The value is TOML;
// texts, choices and sizes need no quotes. Throws ConfigError "--set section.key=value: ...".
void add_override(Document& document, std::string_view assignment);

}  // namespace eightfold::runtime::config
