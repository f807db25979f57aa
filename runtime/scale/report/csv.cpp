#include "runtime/scale/report/csv.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <utility>
#include <vector>

namespace eightfold::runtime::scale::report {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

template <class Number>
std::string field(const std::optional<Number>& number) {
  return number ? fmt::format("{}", *number) : "";
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string field = "\"";
  for (const char c : text) field += c == '"' ? "\"\"" : std::string(1, c);
  return field + '"';
}

void add_point(Fields& fields, const PointGroup& group, const Point& point) {
  fields.insert(fields.end(), {{"experiment", group.experiment},
                               {"policy", group.policy == BatchPolicy::strong ? "strong" : "weak"},
                               {"nodes", fmt::format("{}", point.nodes)},
                               {"ranks_per_node", fmt::format("{}", point.ranks_per_node)},
                               {"ranks", fmt::format("{}", point.ranks())},
                               {"codec", point.codec},
                               {"algorithm", point.algorithm},
                               {"global_batch", fmt::format("{}", point.global_batch)}});
}

void add_measured(Fields& fields, const PointSummary& summary) {
  const auto measured = [&](double value) { return summary.step_ms ? fmt::format("{}", value) : ""; };
  const Spread step = summary.step_ms.value_or(Spread{});
  const Spread speedup = summary.speedup.value_or(Spread{});
  const auto related = [&](double value) { return summary.speedup ? fmt::format("{}", value) : ""; };
  fields.insert(fields.end(), {{"repeats", fmt::format("{}", summary.repeats)},
                               {"failed", fmt::format("{}", summary.failures.size())},
                               {"step_ms", measured(step.median)},
                               {"step_ms_least", measured(step.least)},
                               {"step_ms_most", measured(step.most)},
                               {"compute_ms", measured(summary.medians.compute_ms)},
                               {"exposed_ms", measured(summary.medians.exposed_ms)},
                               {"bound_ms", measured(summary.medians.bound_ms)},
                               {"codec_ms", measured(summary.medians.codec_ms)},
                               {"split_compute_ms", measured(summary.breakdown.compute)},
                               {"split_communication_ms", measured(summary.breakdown.communication)},
                               {"split_codec_ms", measured(summary.breakdown.codec)},
                               {"samples_per_s", measured(summary.throughput().median)},
                               {"speedup", related(speedup.median)},
                               {"speedup_least", related(speedup.least)},
                               {"speedup_most", related(speedup.most)},
                               {"efficiency", related(summary.efficiency)}});
}

void add_predicted(Fields& fields, const PointSummary& summary) {
  const Prediction prediction = summary.prediction.value_or(Prediction{});
  const auto predicted = [&](auto value) { return summary.prediction ? fmt::format("{}", value) : ""; };
  fields.insert(fields.end(), {{"predicted_step_ms", predicted(1e3 * prediction.step_s)},
                               {"predicted_compute_ms", predicted(1e3 * prediction.compute_s)},
                               {"predicted_exposed_ms", predicted(1e3 * prediction.exposed_s)},
                               {"predicted_codec_ms", predicted(1e3 * prediction.codec_s)},
                               {"predicted_wire_ms", predicted(1e3 * prediction.wire_s)},
                               {"predicted_wire_bytes", predicted(prediction.wire_bytes)},
                               {"predicted_algorithm", predicted(prediction.algorithm)},
                               {"predicted_speedup", predicted(prediction.speedup)},
                               {"prediction_error", field(summary.prediction_error())}});
}

Fields fields_of(const PointGroup& group, const PointSummary& summary) {
  Fields fields;
  add_point(fields, group, summary.point);
  add_measured(fields, summary);
  add_predicted(fields, summary);
  fields.emplace_back("failures", fmt::format("{}", fmt::join(summary.failures, "; ")));
  return fields;
}

}  // namespace

std::string csv(const Summary& summary) {
  std::string text;
  const auto add_record = [&](const Fields& fields, std::string Fields::value_type::*part) {
    for (const auto& field : fields) {
      if (&field != &fields.front()) text += ',';
      text += quoted(field.*part);
    }
    text += "\r\n";
  };
  add_record(fields_of({}, {}), &Fields::value_type::first);
  for (const PointGroup& group : summary.groups)
    for (const PointSummary& point : group.points)
      add_record(fields_of(group, point), &Fields::value_type::second);
  return text;
}

}  // namespace eightfold::runtime::scale::report
