#include "runtime/scale/measurement.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/json.hpp"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <span>
#include <tuple>
#include <utility>

namespace eightfold::runtime::scale {
namespace {

using base::DataError;
using Json = nlohmann::json;

constexpr std::size_t kSizeLimit = std::size_t{1} << 30;
constexpr std::array<std::string_view, 2> kPolicies = {"strong", "weak"};

struct Figure {
  std::string_view name;
  double StepFigures::*value;
};
constexpr std::array kFigures = {
    Figure{"step_ms", &StepFigures::step_ms},       Figure{"compute_ms", &StepFigures::compute_ms},
    Figure{"exposed_ms", &StepFigures::exposed_ms}, Figure{"bound_ms", &StepFigures::bound_ms},
    Figure{"codec_ms", &StepFigures::codec_ms},     Figure{"samples_per_s", &StepFigures::samples_per_s}};

// The entries of an object; `where` is its place, in every message.
class Entries {
 public:
  Entries(std::string where, const Json& json) : where_(std::move(where)), json_(json) {
    if (!json_.is_object()) base::raise<DataError>("{}: an object is needed", where_);
  }

  bool has(std::string_view name) const { return json_.contains(name); }
  // Every name must be one of these.
  void check_names(std::span<const std::string_view> names) const {
    for (const auto& [name, value] : json_.items())
      if (std::ranges::find(names, name) == names.end())
        base::raise<DataError>("{}: \"{}\" means nothing here; the names are {}", where_, name,
                               fmt::join(names, ", "));
  }
  const Json& at(std::string_view name) const {
    const auto entry = json_.find(name);
    if (entry == json_.end()) base::raise<DataError>("{}: \"{}\" is missing", where_, name);
    return *entry;
  }
  std::string text(std::string_view name) const {
    if (!at(name).is_string())
      base::raise<DataError>("{}: {} is {}, a text is needed", where_, name, base::json_text(at(name)));
    return at(name).get<std::string>();
  }
  std::string object(std::string_view name) const {
    if (!at(name).is_object())
      base::raise<DataError>("{}: {} is {}, an object is needed", where_, name, base::json_text(at(name)));
    return base::json_text(at(name));
  }
  template <std::integral Value>
  Value integer(std::string_view name, Value least) const {
    return base::json_integer<Value>(at(name), fmt::format("{}: {}", where_, name), least);
  }
  BatchPolicy policy(std::string_view name) const {
    const std::optional<BatchPolicy> policy = parse_batch_policy(text(name));
    if (!policy)
      base::raise<DataError>("{}: {} is {}; allowed: {}", where_, name, base::json_text(at(name)),
                             fmt::join(kPolicies, ", "));
    return *policy;
  }
  StepFigures figures() const {
    StepFigures figures;
    for (const Figure& figure : kFigures) {
      const Json& value = at(figure.name);
      if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() < 0)
        base::raise<DataError>("{}: {} is {}, a number from 0 is needed", where_, figure.name,
                               base::json_text(value));
      figures.*figure.value = value.get<double>();
    }
    return figures;
  }

 private:
  std::string where_;
  const Json& json_;
};

Measurement parse_line(const std::string& where, const std::string& line) {
  const Json json = base::parse_strict(where, line);
  const Entries entries(where, json);
  std::vector<std::string_view> names = {"experiment", "nodes",      "ranks_per_node", "codec",
                                         "algorithm",  "batch",      "global_batch",   "repeat",
                                         "date",       "environment"};
  const bool has_failed = entries.has("failure");
  if (has_failed) names.emplace_back("failure");
  if (!has_failed)
    for (const Figure& figure : kFigures) names.push_back(figure.name);
  entries.check_names(names);

  Measurement measurement;
  measurement.experiment = entries.text("experiment");
  measurement.point = {entries.integer("nodes", 1), entries.integer("ranks_per_node", 1),
                       entries.text("codec"),       entries.text("algorithm"),
                       entries.policy("batch"),     entries.integer("global_batch", std::int64_t{1})};
  measurement.repeat = entries.integer("repeat", 0);
  measurement.date = entries.text("date");
  measurement.environment = entries.object("environment");
  if (has_failed) measurement.failure = entries.text("failure");
  if (has_failed && measurement.failure.empty())
    base::raise<DataError>("{}: failure is empty; allowed: what has failed", where);
  if (!has_failed) measurement.figures = entries.figures();
  return measurement;
}

// Gives what was measured as another point the next repeats of it that are free.
void pool(std::vector<Measurement>& measurements) {
  std::set<std::tuple<std::string, Point, int>> taken;
  for (const Measurement& each : measurements) taken.emplace(each.experiment, each.point, each.repeat);
  for (Measurement& each : measurements) {
    Point point = measured_as(each.point);
    if (point == each.point) continue;
    each.point = std::move(point);
    while (!taken.emplace(each.experiment, each.point, each.repeat).second) ++each.repeat;
  }
}

}  // namespace

std::string_view to_string(BatchPolicy policy) {
  return kPolicies.at(static_cast<std::size_t>(policy));
}

std::optional<BatchPolicy> parse_batch_policy(std::string_view name) {
  const auto found = std::ranges::find(kPolicies, name);
  if (found == kPolicies.end()) return std::nullopt;
  return static_cast<BatchPolicy>(found - kPolicies.begin());
}

Point measured_as(Point point) {
  if (point.ranks() == 1) point.codec = kNoExchange;
  if (point.codec == kNoExchange) point.algorithm = kNoExchange;
  return point;
}

std::string measurement_line(const Measurement& measurement) {
  const Point& point = measurement.point;
  nlohmann::ordered_json line = {{"experiment", measurement.experiment},
                                 {"nodes", point.nodes},
                                 {"ranks_per_node", point.ranks_per_node},
                                 {"codec", point.codec},
                                 {"algorithm", point.algorithm},
                                 {"batch", to_string(point.policy)},
                                 {"global_batch", point.global_batch},
                                 {"repeat", measurement.repeat},
                                 {"date", measurement.date}};
  if (measurement.figures)
    for (const Figure& figure : kFigures) line[std::string(figure.name)] = *measurement.figures.*figure.value;
  else
    line["failure"] = measurement.failure;
  line["environment"] = base::parse_ordered_json(measurement.environment);
  // Other programs' words may be anything, also no UTF-8.
  return base::json_text(line);
}

std::vector<Measurement> read_measurements(const std::filesystem::path& file) {
  const std::string text = base::read_file(file, kSizeLimit);
  std::vector<Measurement> measurements;
  std::map<std::tuple<std::string, Point, int>, std::size_t> places;
  std::size_t number = 1;
  for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    Measurement measurement =
        parse_line(fmt::format("{}:{}", file.string(), number++), text.substr(begin, end - begin));
    const auto [place, is_new] = places.try_emplace(
        {measurement.experiment, measurement.point, measurement.repeat}, measurements.size());
    if (is_new) measurements.emplace_back();
    measurements[place->second] = std::move(measurement);
  }
  pool(measurements);
  return measurements;
}

StepResult read_step_result(const std::filesystem::path& file) {
  const std::string name = file.string();
  const Json json = base::parse_strict(name, base::read_file(file, kSizeLimit));
  const Entries entries(name, json);
  const Json& rows = entries.at("rows");
  if (!rows.is_array() || rows.size() != 1) base::raise<DataError>("{}: one row is needed", name);
  const Entries environment(name, entries.at("environment"));
  return {Entries(name, rows.front()).figures(), entries.object("environment"),
          environment.integer<int>("ranks", 1), environment.integer<int>("nodes", 1)};
}

}  // namespace eightfold::runtime::scale
