#include "launch/result.hpp"

#include "kernels/base/file.hpp"

#include <fmt/format.h>

namespace eightfold::launch {

std::string result_line(const ResultRow& row) {
  std::string line = "result";
  for (const auto& [key, value] : row.items()) {
    const bool plain = value.is_string() &&
                       value.get_ref<const std::string&>().find_first_of(" \t\"\\") == std::string::npos;
    line += fmt::format(" {}={}", key, plain ? value.get<std::string>() : value.dump());
  }
  return line;
}

void write_json(const std::filesystem::path& path, const std::string& environment,
                const std::vector<ResultRow>& rows) {
  if (path.empty()) return;
  const nlohmann::ordered_json file = {{"environment", nlohmann::ordered_json::parse(environment)},
                                       {"rows", rows}};
  base::write_file_durably(path, file.dump(2) + "\n");
}

}  // namespace eightfold::launch
