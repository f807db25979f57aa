#pragma once

// Tables on standard output: columns with their units over them, all flush right. Lines that are no row begin
// with '#'.

#include <string>
#include <vector>

namespace eightfold::launch::bench {

struct Column {
  int width;
  std::string name;
  std::string unit = {};
};

// Two lines: names and units.
std::string table_heading(const std::vector<Column>& columns);
// One line; a cell for each column.
std::string table_row(const std::vector<Column>& columns, const std::vector<std::string>& cells);

}  // namespace eightfold::launch::bench
