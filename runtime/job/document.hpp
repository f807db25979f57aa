#pragma once

// A user's input, key by key, before it becomes a JobConfig: every value is one that its key accepts. Later
// checks find unknown keys and keys that do not fit together: an override may still change one of them.

#include "runtime/config/tables.hpp"

#include <string_view>

namespace eightfold::runtime::job {

// Reads a TOML text (read_tables()).
config::Tables read_document(std::string_view text, std::string_view source, config::ErrorList& errors,
                             config::FormerNames former = config::FormerNames::refused);

// Adds "section.key=value" or "model.layer[2].key=value", replacing what the file says. The value is TOML;
// texts, choices and sizes need no quotes. Throws ConfigError "--set section.key=value: ...", but for an
// unknown key.
void add_override(config::Tables& document, std::string_view assignment);

}  // namespace eightfold::runtime::job
