#include "runtime/scale/report/summary.hpp"

#include "kernels/base/json.hpp"
#include "kernels/base/median.hpp"
#include "quant8/format.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace eightfold::runtime::scale::report {
namespace {

double batch_of(const Point& point) {
  const auto global = static_cast<double>(point.global_batch);
  return point.policy == BatchPolicy::strong ? global : global / point.ranks();
}

// The place of a codec in tables: without an exchange, then by falling precision, then what is no codec.
std::pair<int, int> place_of(const std::string& codec) {
  const std::optional<int> bits = bits_of_codec(codec);
  if (!bits) return {2, 0};
  const auto format = quant8::parse_format(codec);
  return *bits == 0 ? std::pair{0, 0} : std::pair{1, 100 * (32 - *bits) + static_cast<int>(*format)};
}

bool comes_before(const Series& first, const Series& second) {
  return std::tuple(place_of(first.codec), first.codec, first.algorithm) <
         std::tuple(place_of(second.codec), second.codec, second.algorithm);
}

using Figure = double StepFigures::*;

std::vector<double> values_of(const std::vector<StepFigures>& repeats, Figure figure) {
  std::vector<double> values;
  for (const StepFigures& figures : repeats) values.push_back(figures.*figure);
  return values;
}

PointSummary summarize_point(const Point& point, const std::map<int, const Measurement*>& repeats) {
  PointSummary summary;
  summary.point = point;
  std::vector<StepFigures> measured;
  for (const auto& [repeat, measurement] : repeats) {
    if (!measurement->figures)
      summary.failures.push_back(measurement->failure);
    else if (measurement->figures->step_ms > 0)
      measured.push_back(*measurement->figures);
    else
      summary.failures.push_back(fmt::format("says that a step takes {} ms", measurement->figures->step_ms));
  }
  summary.repeats = static_cast<int>(measured.size());
  if (measured.empty()) return summary;
  for (const Figure figure : {&StepFigures::step_ms, &StepFigures::compute_ms, &StepFigures::exposed_ms,
                              &StepFigures::bound_ms, &StepFigures::codec_ms, &StepFigures::samples_per_s})
    summary.medians.*figure = base::median(values_of(measured, figure));
  const std::vector<double> steps = values_of(measured, &StepFigures::step_ms);
  const auto [least, most] = std::ranges::minmax_element(steps);
  summary.step_ms = {summary.medians.step_ms, *least, *most};
  summary.breakdown =
      breakdown_of(summary.medians.step_ms, summary.medians.compute_ms, summary.medians.codec_ms);
  return summary;
}

std::vector<PointSummary> summarize_points(const Experiment& experiment) {
  std::map<Point, std::map<int, const Measurement*>> repeats;
  for (const Measurement& measurement : experiment.measurements)
    repeats[measurement.point][measurement.repeat] = &measurement;
  std::vector<PointSummary> points;
  for (const auto& [point, measured] : repeats) points.push_back(summarize_point(point, measured));
  return points;
}

using GroupKey = std::tuple<BatchPolicy, double, int>;
GroupKey key_of(const Point& point) {
  return {point.policy, batch_of(point), point.ranks_per_node};
}

// Fewer ranks are better, then no exchange, then less time.
std::optional<Baseline> baseline_of(const PointGroup& group, const std::vector<PointSummary>& candidates) {
  const auto rank_of = [](const PointSummary& candidate) {
    return std::tuple(candidate.point.ranks(), candidate.point.codec != kNoExchange,
                      candidate.step_ms->median);
  };
  const PointSummary* best = nullptr;
  for (const PointSummary& candidate : candidates) {
    if (!candidate.step_ms || candidate.point.nodes != 1 || candidate.point.global_batch <= 0 ||
        candidate.point.policy != group.policy || batch_of(candidate.point) != group.batch)
      continue;
    if (best == nullptr || rank_of(candidate) < rank_of(*best)) best = &candidate;
  }
  if (best == nullptr) return {};
  return Baseline{best->point, best->step_ms->median};
}

void relate(PointSummary& summary, const std::optional<Baseline>& baseline) {
  if (!baseline || !summary.step_ms) return;
  const double unit = static_cast<double>(baseline->point.global_batch) / baseline->step_ms;
  const auto speedup = [&](double step_ms) {
    return static_cast<double>(summary.point.global_batch) / step_ms / unit;
  };
  summary.speedup = {speedup(summary.step_ms->median), speedup(summary.step_ms->most),
                     speedup(summary.step_ms->least)};
  summary.efficiency = summary.speedup->median * baseline->point.ranks() / summary.point.ranks();
}

// The group's series at node counts that were not measured.
void add_further(PointGroup& group, const std::vector<int>& node_counts) {
  std::vector<Series> known;
  for (const PointSummary& summary : group.points)
    if (std::ranges::find(known, series_of(summary.point)) == known.end())
      known.push_back(series_of(summary.point));
  const std::set<int> measured = group.node_counts();
  for (const int nodes : std::set(node_counts.begin(), node_counts.end())) {
    if (measured.contains(nodes)) continue;
    for (const Series& series : known) {
      Point point{.nodes = nodes,
                  .ranks_per_node = group.ranks_per_node,
                  .codec = series.codec,
                  .algorithm = series.algorithm,
                  .policy = group.policy};
      const double batch = group.policy == BatchPolicy::strong ? group.batch : group.batch * point.ranks();
      point.global_batch = static_cast<std::int64_t>(batch);
      if (series.codec != kNoExchange) group.points.emplace_back().point = std::move(point);
    }
  }
}

std::vector<PointGroup> groups_of(const Experiment& experiment) {
  const std::vector<PointSummary> points = summarize_points(experiment);
  std::map<GroupKey, PointGroup> by_key;
  for (const PointSummary& summary : points) {
    PointGroup& group = by_key[key_of(summary.point)];
    std::tie(group.policy, group.batch, group.ranks_per_node) = key_of(summary.point);
    group.points.push_back(summary);
  }
  std::vector<PointGroup> groups;
  for (auto& [key, group] : by_key) {
    group.experiment = experiment.name;
    group.shared_cores = experiment.shared_cores;
    group.baseline = baseline_of(group, points);
    if (experiment.predict) add_further(group, experiment.further_nodes);
    for (PointSummary& summary : group.points) {
      relate(summary, group.baseline);
      if (experiment.predict) summary.prediction = experiment.predict(summary.point);
    }
    std::erase_if(group.points, [](const PointSummary& summary) {
      return !summary.step_ms && summary.failures.empty() && !summary.prediction;
    });
    std::ranges::stable_sort(group.points, [](const PointSummary& first, const PointSummary& second) {
      if (first.point.nodes != second.point.nodes) return first.point.nodes < second.point.nodes;
      return comes_before(series_of(first.point), series_of(second.point));
    });
    groups.push_back(std::move(group));
  }
  return groups;
}

void note_date(Summary& summary, const std::string& date) {
  if (date.empty()) return;
  if (summary.first_date.empty() || date < summary.first_date) summary.first_date = date;
  summary.last_date = std::max(summary.last_date, date);
}

void note_environment(Summary& summary, const std::string& text) {
  nlohmann::json environment;
  try {
    environment = base::parse_json(text);
  } catch (const nlohmann::json::exception&) {
    return;
  }
  if (!environment.is_object()) return;
  for (const auto& [key, json] : environment.items()) {
    if (key == "ranks" || key == "nodes" || key == "time") continue;
    const std::string value = json.is_string() ? json.get<std::string>() : base::json_text(json);
    std::size_t begin = 0;
    if (key == "hosts")
      for (std::size_t end = 0; (end = value.find(',', begin)) != std::string::npos; begin = end + 1)
        summary.environment[key].insert(value.substr(begin, end - begin));
    summary.environment[key].insert(value.substr(begin));
  }
}

}  // namespace

Comparison compare(const Spread& first, const Spread& second) {
  if (first.most < second.least) return Comparison::faster;
  return first.least > second.most ? Comparison::slower : Comparison::same;
}

StepBreakdown breakdown_of(double step_ms, double compute_ms, double codec_ms) {
  const double compute = std::min(compute_ms, step_ms);
  const double codec = std::min(codec_ms, step_ms - compute);
  return {compute, step_ms - compute - codec, codec};
}

Spread PointSummary::throughput() const {
  const double samples = 1e3 * static_cast<double>(point.global_batch);
  if (step_ms) return {samples / step_ms->median, samples / step_ms->most, samples / step_ms->least};
  if (!prediction) return {};
  const double rate = 1e-3 * samples / prediction->step_s;
  return {rate, rate, rate};
}

std::optional<double> PointSummary::prediction_error() const {
  if (!step_ms || !prediction) return {};
  return 1e3 * prediction->step_s / step_ms->median - 1;
}

std::set<int> PointGroup::node_counts() const {
  std::set<int> counts;
  for (const PointSummary& summary : points) counts.insert(summary.point.nodes);
  return counts;
}

int PointGroup::least_repeats() const {
  int least = std::numeric_limits<int>::max();
  for (const PointSummary& summary : points)
    if (summary.repeats > 0) least = std::min(least, summary.repeats);
  return most_repeats() == 0 ? 0 : least;
}

int PointGroup::most_repeats() const {
  int most = 0;
  for (const PointSummary& summary : points) most = std::max(most, summary.repeats);
  return most;
}

Series series_of(const Point& point) {
  return {point.codec, point.codec == kNoExchange ? "" : point.algorithm};
}

std::optional<int> bits_of_codec(const std::string& codec) {
  if (codec == kNoExchange) return 0;
  const auto format = quant8::parse_format(codec);
  return format ? std::optional(quant8::bits_of(*format)) : std::nullopt;
}

Summary summarize(const std::vector<Experiment>& experiments) {
  Summary summary;
  for (const Experiment& experiment : experiments) {
    std::ranges::move(groups_of(experiment), std::back_inserter(summary.groups));
    for (const Measurement& measurement : experiment.measurements) {
      note_date(summary, measurement.date);
      note_environment(summary, measurement.environment);
    }
  }
  for (const PointGroup& group : summary.groups)
    for (const PointSummary& point : group.points)
      if (std::ranges::find(summary.series, series_of(point.point)) == summary.series.end())
        summary.series.push_back(series_of(point.point));
  std::ranges::sort(summary.series, comes_before);
  return summary;
}

}  // namespace eightfold::runtime::scale::report
