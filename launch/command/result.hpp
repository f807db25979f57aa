#pragma once

// Results for scripts, of commands that train or measure: a line `result key=value ...` on standard output.
// With --json FILE, or - for standard output, also {"environment": {...}, "rows": [{...}, ...]}. Keys are
// fixed names with units.

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

// An immutable JSON value, shared by its copies. Only result.cpp includes the JSON library.
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

  // The value of `key`. A missing key is added at the end, with null.
  ResultValue& operator[](std::string_view key);
  const std::vector<ResultField>& fields() const { return fields_; }

 private:
  std::vector<ResultField> fields_;
};

// "result key=value ...". Text with blanks is quoted as in JSON.
std::string result_line(const ResultRow& row);

// The "environment" of commands that use no device: of this host, as the first of `nodes`, and the fields of
// `also`.
std::string environment_without_device(int ranks, int nodes, const ResultRow& also);

// Checks before the work whether the FILE of an option can be written. Throws ConfigError unless the path is
// empty, or is, links to or can become a regular file.
void check_result_path(std::string_view option, const std::filesystem::path& path);
// The same for --json, which may also be "-" or a name of standard output.
void check_json_path(const std::filesystem::path& path);
// Checks --json in the process that writes it, once. If it names standard output, that is reserved for JSON
// from here on, and all else is printed to standard error. Throws EnvironmentError if one of the two is
// closed.
void prepare_json(const std::filesystem::path& path);

// Writes the rows to the prepared `json` unless that is empty; for commands that print text of their own.
// `environment` is a JSON object. Throws EnvironmentError.
void write_result(const std::filesystem::path& json, const std::string& environment,
                  const std::vector<ResultRow>& rows);

// Writes the rows with write_result and prints their result lines as the last lines of standard output. The
// lines are printed even if the file cannot be written; the EnvironmentError follows.
void publish(const std::filesystem::path& json, const std::string& environment,
             const std::vector<ResultRow>& rows);

// Throws EnvironmentError when something printed did not reach standard output.
void flush_output();

}  // namespace eightfold::launch::command
