#include "launch/bench/table.hpp"

#include "kernels/base/error.hpp"

#include <fmt/format.h>

namespace eightfold::launch::bench {
namespace {

std::string table_line(char begin, const std::vector<Column>& columns,
                       const std::vector<std::string>& cells) {
  base::require(cells.size() == columns.size(), "{} cells in {} columns", cells.size(), columns.size());
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i)
    line += fmt::format("{}{:>{}}", i == 0 ? begin : ' ', cells[i], columns[i].width);
  return line + "\n";
}

}  // namespace

std::string table_heading(const std::vector<Column>& columns) {
  std::vector<std::string> names, units;
  for (const Column& column : columns) {
    names.push_back(column.name);
    units.push_back(column.unit);
  }
  return table_line('#', columns, names) + table_line('#', columns, units);
}

std::string table_row(const std::vector<Column>& columns, const std::vector<std::string>& cells) {
  return table_line(' ', columns, cells);
}

}  // namespace eightfold::launch::bench
