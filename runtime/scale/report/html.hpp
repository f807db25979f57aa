#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace eightfold::runtime::scale::report {

// The text with what HTML would take for markup written as entities, also inside attributes.
std::string html_text(std::string_view text);

// A table. Cells are HTML already; the first `names` columns hold text, the others numbers.
struct HtmlTable {
  std::string caption;
  std::vector<std::string> columns;
  std::size_t names = 1;
  struct Row {
    std::vector<std::string> cells;
    bool begins_group = false;  // a line above it
  };
  std::vector<Row> rows;
};
std::string html_of(const HtmlTable& table);

}  // namespace eightfold::runtime::scale::report
