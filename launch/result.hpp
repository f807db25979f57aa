#pragma once

// What a command that trains or measures leaves for scripts: one line `result key=value ...` on standard
// output and, with --json FILE, {"environment": {...}, "rows": [{...}, ...]}. Keys are fixed names with
// units.

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::launch {

// One row: keys in the order in which they are printed.
using ResultRow = nlohmann::ordered_json;

// "result key=value ...". Text with blanks is quoted as in JSON.
std::string result_line(const ResultRow& row);

// The "environment" of what uses no device: this host's, as the first of `nodes`.
ResultRow environment_without_device(int ranks, int nodes);

// Whether an option's FILE can be written, asked before the work: throws ConfigError unless the path is
// empty, or is or can become a regular file.
void check_result_path(std::string_view option, const std::filesystem::path& path);
// The same for --json.
void check_json_path(const std::filesystem::path& path);

// Writes the rows to `json` unless that is empty, for a command that says them in words. `environment` is a
// JSON object. Throws EnvironmentError.
void write_result(const std::filesystem::path& json, const std::string& environment,
                  const std::vector<ResultRow>& rows);

// Prints the result line of each row, last of all on standard output, and writes them with write_result. A
// file that cannot be written costs nobody the line: the EnvironmentError comes after it.
void publish(const std::filesystem::path& json, const std::string& environment,
             const std::vector<ResultRow>& rows);

// Throws EnvironmentError when something printed did not reach standard output.
void flush_output();

}  // namespace eightfold::launch
