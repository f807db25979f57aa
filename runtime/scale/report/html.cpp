#include "runtime/scale/report/html.hpp"

#include <fmt/format.h>

#include <array>

namespace eightfold::runtime::scale::report {

std::string html_text(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

std::string html_of(const HtmlTable& table) {
  const auto cell = [&](const char* tag, std::size_t column, const std::string& html) {
    constexpr std::array kClasses = {"", " class=\"free\"", " class=\"number\""};
    return fmt::format("<{0}{1}>{2}</{0}>", tag,
                       kClasses[static_cast<std::size_t>(table.columns[column].second)], html);
  };
  std::string html = fmt::format("<table>\n<caption>{}</caption>\n<thead><tr>", table.caption);
  for (std::size_t i = 0; i < table.columns.size(); ++i) html += cell("th", i, table.columns[i].first);
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& [cells, begins_group] : table.rows) {
    html += begins_group ? "<tr class=\"begins\">" : "<tr>";
    for (std::size_t i = 0; i < cells.size(); ++i) html += cell("td", i, cells[i]);
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table>\n";
}

}  // namespace eightfold::runtime::scale::report
