#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace eightfold::runtime::scale::report {

// The text with what HTML would take for markup written as entities, also inside attributes.
std::string html_text(std::string_view text);

// A table. Cells are HTML already. The contents of a column decide its alignment.
enum class Column { name, free_text, number };
struct HtmlTable {
  std::string caption;
  std::vector<std::pair<std::string, Column>> columns;
  struct Row {
    std::vector<std::string> cells;
    bool begins_group = false;  // a line above it
  };
  std::vector<Row> rows;
};
std::string html_of(const HtmlTable& table);

}  // namespace eightfold::runtime::scale::report
