#include "runtime/scale/report/page_tables.hpp"

#include "runtime/scale/report/html.hpp"
#include "runtime/scale/report/words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace eightfold::runtime::scale::report {
namespace {

constexpr const char* kNothing = "&#8211;";  // an en dash

std::string with_range(const Spread& spread, int repeats) {
  if (repeats < 2) return figure(spread.median);
  return fmt::format("{} <span class=\"spread\">({}&#8211;{})</span>", figure(spread.median),
                     figure(spread.least), figure(spread.most));
}

std::string repeats_of(const PointSummary& summary) {
  if (summary.repeats == 0 && summary.failures.empty()) return kNothing;  // a prediction alone
  if (summary.failures.empty()) return fmt::format("{}", summary.repeats);
  return fmt::format("{} of {}", summary.repeats,
                     static_cast<std::size_t>(summary.repeats) + summary.failures.size());
}

std::string codec_name(const Point& point) {
  if (point.codec != kNoExchange) return point.codec;
  return point.ranks() == 1 ? "1 rank, no exchange" : "no exchange";
}

std::vector<std::string> cells_of(const PointSummary& summary, bool has_predictions) {
  const bool is_measured = summary.step_ms.has_value();
  const auto measured = [&](double value) { return is_measured ? figure(value) : std::string(kNothing); };
  std::vector<std::string> cells = {
      fmt::format("{}", summary.point.nodes),
      html_text(codec_name(summary.point)),
      html_text(series_of(summary.point).algorithm),
      repeats_of(summary),
      is_measured ? with_range(*summary.step_ms, summary.repeats) : kNothing,
      measured(summary.breakdown.compute),
      measured(summary.breakdown.communication),
      measured(summary.breakdown.codec),
      measured(summary.medians.codec_ms),
      measured(summary.throughput().median),
      summary.speedup ? with_range(*summary.speedup, summary.repeats) : kNothing,
      summary.speedup ? fmt::format("{:.0f}", 100 * summary.efficiency) : kNothing,
  };
  if (has_predictions) {
    const auto& prediction = summary.prediction;
    cells.push_back(prediction ? figure(1e3 * prediction->step_s) : kNothing);
    const auto error = summary.prediction_error();
    cells.push_back(error ? fmt::format("{:+.1f}", 100 * *error) : kNothing);
  }
  return cells;
}

std::string values_of(const std::set<std::string>& values) {
  constexpr std::size_t kShown = 4;
  std::string text;
  std::size_t shown = 0;
  for (const std::string& value : values) {
    if (++shown > kShown) break;
    text += (text.empty() ? "" : "; ") + value;
  }
  if (values.size() > kShown) text += fmt::format("; and {} more", values.size() - kShown);
  return html_text(text);
}

}  // namespace

std::string points_table(const PointGroup& group) {
  const bool has_predictions = std::ranges::any_of(
      group.points, [](const PointSummary& summary) { return summary.prediction.has_value(); });
  HtmlTable table{.caption = "Every point",
                  .columns = {{"Nodes", Column::name}, {"Codec", Column::name}, {"Algorithm", Column::name}},
                  .rows = {}};
  for (const char* name :
       {"Repeats", "Step, ms", "Compute, ms", "Exposed communi&shy;cation, ms", "Exposed codec, ms",
        "Codec in all, ms", "Samples per&nbsp;s", "Speed-up", "Effi&shy;ciency, %"})
    table.columns.emplace_back(name, Column::number);
  if (has_predictions)
    for (const char* name : {"Predicted step, ms", "Error, %"})
      table.columns.emplace_back(name, Column::number);
  int nodes = 0;
  for (const PointSummary& summary : group.points) {
    table.rows.push_back({cells_of(summary, has_predictions), nodes != 0 && summary.point.nodes != nodes});
    nodes = summary.point.nodes;
  }
  return "<div class=\"wide\">\n" + html_of(table) + "</div>\n";
}

std::string failures_table(const PointGroup& group) {
  HtmlTable table{.caption = "What failed",
                  .columns = {{"Nodes", Column::name},
                              {"Codec", Column::name},
                              {"Algorithm", Column::name},
                              {"Repeats", Column::number},
                              {"Why", Column::free_text}},
                  .rows = {}};
  for (const PointSummary& summary : group.points)
    for (const std::string& why : std::set(summary.failures.begin(), summary.failures.end()))
      table.rows.push_back({{fmt::format("{}", summary.point.nodes), html_text(summary.point.codec),
                             html_text(series_of(summary.point).algorithm),
                             fmt::format("{}", std::ranges::count(summary.failures, why)), html_text(why)}});
  return table.rows.empty() ? "" : html_of(table);
}

std::string environment_table(const Summary& summary) {
  HtmlTable table{.caption = "Machine and software",
                  .columns = {{"What", Column::name}, {"Value", Column::free_text}},
                  .rows = {}};
  for (const auto& [key, values] : summary.environment)
    table.rows.push_back({{html_text(key), values_of(values)}});
  return table.rows.empty() ? "" : html_of(table);
}

}  // namespace eightfold::runtime::scale::report
