#pragma once

// The table of keys for readers: people (docs/config.md) and editors (a JSON schema).

#include <string>

namespace eightfold::runtime::job {

// The whole page, in Markdown.
std::string config_markdown();

// JSON Schema, draft 2020-12, of a job file as TOML tools see it.
std::string config_json_schema();

}  // namespace eightfold::runtime::job
