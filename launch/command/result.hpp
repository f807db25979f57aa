#pragma once

// What a command that trains or measures leaves for scripts: one line `result key=value ...` on standard
// output and, with --json FILE or --json - (standard output), {"environment": {...}, "rows": [{...}, ...]}.
// Keys are fixed names with units.

#include <nlohmann/json_fwd.hpp>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::launch::command {

class ResultRow;

// A value as JSON has it; copies share it, for it does not change. The JSON library stays in result.cpp.
class ResultValue {
 public:
  ResultValue() = default;  // null
  ResultValue(double number);
  ResultValue(std::int64_t number);
  ResultValue(std::uint64_t number);
  ResultValue(std::signed_integral auto number) : ResultValue(std::int64_t{number}) {}
  ResultValue(std::unsigned_integral auto number) : ResultValue(std::uint64_t{number}) {}
  ResultValue(bool) = delete;  // it would be printed as a number
  ResultValue(std::string_view text);
  ResultValue(const std::string& text) : ResultValue(std::string_view(text)) {}
  ResultValue(const char* text) : ResultValue(std::string_view(text)) {}
  ResultValue(const std::vector<int>& numbers);
  ResultValue(const std::vector<ResultRow>& rows);

  const nlohmann::ordered_json& json() const;

 private:
  std::shared_ptr<const nlohmann::ordered_json> json_;
};

struct ResultField {
  std::string key;
  ResultValue value;
};

// Keys in the order in which they are printed.
class ResultRow {
 public:
  ResultRow(std::initializer_list<ResultField> fields) : fields_(fields) {}

  // The value of `key`, which is added as the last one, null, if it is not there.
  ResultValue& operator[](std::string_view key);
  const std::vector<ResultField>& fields() const { return fields_; }

 private:
  std::vector<ResultField> fields_;
};

// "result key=value ...". Text with blanks is quoted as in JSON.
std::string result_line(const ResultRow& row);

// The "environment" of what uses no device: this host's, as the first of `nodes`, and what else there is.
std::string environment_without_device(int ranks, int nodes, const ResultRow& also);

// Whether an option's FILE can be written, asked before the work: throws ConfigError unless the path is
// empty, or is, leads to or can become a regular file.
void check_result_path(std::string_view option, const std::filesystem::path& path);
// The same for --json, which may also be "-" or a name of standard output.
void check_json_path(const std::filesystem::path& path);
// Checks it for a command that writes it in this process, once. Standard output, if it is named, is the
// JSON's alone from here on: whatever else is printed goes to standard error. Throws EnvironmentError where
// one of the two is closed.
void prepare_json(const std::filesystem::path& path);

// Writes the rows to the prepared `json` unless that is empty, for a command that says them in words.
// `environment` is a JSON object. Throws EnvironmentError.
void write_result(const std::filesystem::path& json, const std::string& environment,
                  const std::vector<ResultRow>& rows);

// Prints the result line of each row, last of all on standard output, and writes them with write_result. A
// file that cannot be written costs nobody the line: the EnvironmentError comes after it.
void publish(const std::filesystem::path& json, const std::string& environment,
             const std::vector<ResultRow>& rows);

// Throws EnvironmentError when something printed did not reach standard output.
void flush_output();

}  // namespace eightfold::launch::command
