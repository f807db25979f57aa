#pragma once

// What a command that trains or measures leaves for scripts: one line `result key=value ...` on standard
// output and, with --json FILE, {"environment": {...}, "rows": [{...}, ...]}. Keys are fixed names with
// units.

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace eightfold::launch {

// One row: keys in the order in which they are printed.
using ResultRow = nlohmann::ordered_json;

// "result key=value ...". Text with blanks is quoted as in JSON.
std::string result_line(const ResultRow& row);

// Writes the rows unless `path` is empty. `environment` is a JSON object. Throws EnvironmentError.
void write_json(const std::filesystem::path& path, const std::string& environment,
                const std::vector<ResultRow>& rows);

}  // namespace eightfold::launch
