#include "launch/command/result.hpp"

#include "kernels/base/descriptor.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/json.hpp"
#include "runtime/run/run_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>

namespace eightfold::launch::command {
namespace {

using Json = nlohmann::ordered_json;

void add_fields(Json& object, const ResultRow& row) {
  for (const ResultField& field : row.fields()) object[field.key] = field.value.json();
}

Json array_of(const std::vector<ResultRow>& rows) {
  Json array = Json::array();
  for (const ResultRow& row : rows) add_fields(array.emplace_back(Json::object()), row);
  return array;
}

// Standard output if --json writes there; else closed.
base::Descriptor& json_output() {
  static base::Descriptor output;
  return output;
}

// Whether the path is "-", /dev/stdout, or the file that standard output is redirected to.
bool is_standard_output(const std::filesystem::path& path) {
  if (path == "-") return true;
  struct stat named {};
  struct stat output {};
  return ::stat(path.c_str(), &named) == 0 && ::fstat(STDOUT_FILENO, &output) == 0 &&
         named.st_dev == output.st_dev && named.st_ino == output.st_ino;
}

bool is_plain(const std::string& text) {
  return std::ranges::none_of(text,
                              [](unsigned char c) { return c <= ' ' || c == '"' || c == '\\' || c == 0x7F; });
}

// JSON cannot write infinity; a result line can.
std::string text_of(const Json& value) {
  if (value.is_string() && is_plain(value.get_ref<const std::string&>())) return value.get<std::string>();
  if (value.is_number_float() && !std::isfinite(value.get<double>()))
    return fmt::format("{}", value.get<double>());
  return base::json_text(value);
}

}  // namespace

ResultValue::ResultValue(double number) : json_(std::make_shared<Json>(number)) {}

ResultValue::ResultValue(std::int64_t number) : json_(std::make_shared<Json>(number)) {}

ResultValue::ResultValue(std::uint64_t number) : json_(std::make_shared<Json>(number)) {}

ResultValue::ResultValue(std::string_view text) : json_(std::make_shared<Json>(text)) {}

ResultValue::ResultValue(const std::vector<int>& numbers) : json_(std::make_shared<Json>(numbers)) {}

ResultValue::ResultValue(const std::vector<ResultRow>& rows)
    : json_(std::make_shared<Json>(array_of(rows))) {}

const Json& ResultValue::json() const {
  static const Json null;
  return json_ ? *json_ : null;
}

ResultValue& ResultRow::operator[](std::string_view key) {
  const auto found = std::ranges::find(fields_, key, &ResultField::key);
  if (found != fields_.end()) return found->value;
  return fields_.emplace_back(std::string(key), ResultValue()).value;
}

std::string result_line(const ResultRow& row) {
  std::string line = "result";
  for (const auto& [key, value] : row.fields()) line += fmt::format(" {}={}", key, text_of(value.json()));
  return line;
}

std::string environment_without_device(int ranks, int nodes, const ResultRow& also) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  Json environment =
      base::parse_ordered_json(runtime::run::environment_json({host.data(), "none", ranks, nodes, 1}));
  add_fields(environment, also);
  return base::json_text(environment);
}

void check_result_path(std::string_view option, const std::filesystem::path& path) {
  if (path.empty()) return;
  const std::filesystem::path file = base::follow_links(path);
  const std::filesystem::path directory =
      file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored))
    base::raise<base::ConfigError>("{}: {} is there and is not a regular file", option, path.string());
  if (::access(directory.c_str(), W_OK | X_OK) != 0)
    base::raise<base::ConfigError>("{}: cannot write {}: {}: {}", option, path.string(), directory.string(),
                                   std::strerror(errno));
}

void check_json_path(const std::filesystem::path& path) {
  if (!is_standard_output(path)) check_result_path("--json", path);
}

void prepare_json(const std::filesystem::path& path) {
  check_json_path(path);
  if (!is_standard_output(path)) return;
  flush_output();
  json_output() = base::Descriptor(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!json_output().is_open() || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
    base::raise<base::EnvironmentError>("--json {}: standard output and standard error have to be open: {}",
                                        path.string(), std::strerror(errno));
}

void flush_output() {
  errno = 0;
  const bool is_flushed = std::fflush(stdout) == 0 && std::cout.flush();
  if (!is_flushed || std::ferror(stdout) != 0)
    base::raise<base::EnvironmentError>("cannot write to standard output: {}",
                                        errno != 0 ? std::strerror(errno) : "it has not taken all of it");
}

void write_result(const std::filesystem::path& path, const std::string& environment,
                  const std::vector<ResultRow>& rows) {
  if (path.empty()) return;
  const std::string text =
      base::json_page(Json{{"environment", base::parse_ordered_json(environment)}, {"rows", array_of(rows)}});
  if (!json_output().is_open()) return base::write_output_file(path, text);
  for (std::string_view left = text; !left.empty();) {
    const ssize_t written = ::write(json_output().get(), left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      base::raise<base::EnvironmentError>("cannot write to standard output: {}", std::strerror(errno));
    left.remove_prefix(static_cast<std::size_t>(written));
  }
}

void publish(const std::filesystem::path& json, const std::string& environment,
             const std::vector<ResultRow>& rows) {
  std::exception_ptr failure;
  try {
    write_result(json, environment, rows);
  } catch (...) {
    failure = std::current_exception();
  }
  for (const ResultRow& row : rows) fmt::print("{}\n", result_line(row));
  flush_output();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace eightfold::launch::command
