#include "runtime/scale/report/advice.hpp"

#include "runtime/scale/report/crossover.hpp"
#include "runtime/scale/report/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace eightfold::runtime::scale::report {
namespace {

// The most precise codec that is as fast as the fastest: of those the fastest. Null where nothing exchanges.
const PointSummary* choice(const PointGroup& group, int nodes) {
  std::vector<const PointSummary*> measured;
  for (const PointSummary& summary : group.points)
    if (summary.point.nodes == nodes && exchanges(summary)) measured.push_back(&summary);
  std::ranges::sort(measured, {}, [](const PointSummary* summary) { return summary->step_ms->median; });
  const PointSummary* chosen = nullptr;
  for (const PointSummary* candidate : measured) {
    if (compare(*measured.front()->step_ms, *candidate->step_ms) == Comparison::faster) continue;
    if (chosen == nullptr || bits_of_codec(candidate->point.codec) > bits_of_codec(chosen->point.codec))
      chosen = candidate;
  }
  return chosen;
}

// One for every number of nodes on which gradients were exchanged, fewest first.
std::vector<const PointSummary*> choices(const PointGroup& group) {
  std::vector<const PointSummary*> all;
  for (const int nodes : group.node_counts())
    if (const PointSummary* chosen = choice(group, nodes)) all.push_back(chosen);
  return all;
}

bool does_more(const PointSummary& summary, const PointSummary& other) {
  return summary.throughput().least > other.throughput().most;
}

double times_the_work(const PointSummary& summary, const PointSummary& other) {
  return summary.throughput().median / other.throughput().median;
}

// "2.4 times as fast as fp32 and 1.5 times as fast as bf16"; empty where it is neither.
std::string gain_over_plain(const PointGroup& group, const PointSummary& chosen) {
  std::string text;
  for (const std::string codec : {"fp32", "bf16"}) {
    const PointSummary* other = fastest(group, chosen.point.nodes, codec);
    if (other == nullptr || compare(*chosen.step_ms, *other->step_ms) != Comparison::faster) continue;
    text += fmt::format("{}{} as fast as {}", text.empty() ? "" : " and ",
                        times(times_as_fast(chosen, *other)), codec);
  }
  return text;
}

// Why none of the codecs that compress more, if there are any.
std::string beside_compression(const PointGroup& group, const PointSummary& chosen) {
  const PointSummary* best = nullptr;
  for (const Crossover& crossover : crossovers(group)) {
    const PointSummary* coded = fastest(group, chosen.point.nodes, crossover.codec);
    if (coded != nullptr && (best == nullptr || times_as_fast(*coded, *best) > 1)) best = coded;
  }
  if (best == nullptr || compresses(chosen.point.codec)) return "";
  const bool is_slower = compare(*best->step_ms, *chosen.step_ms) == Comparison::slower;
  return fmt::format("; {} is {}", best->point.codec, is_slower ? "slower" : "no faster beyond the spread");
}

// "; 4 nodes do 3.4 times the work of one rank and 1.8 times that of 2 nodes".
std::string gain_over_fewer(const PointGroup& group, const PointSummary& chosen, const PointSummary* fewer) {
  std::string text;
  if (chosen.speedup && group.baseline->point.ranks() == 1)
    text = fmt::format("{} the work of one rank", times(chosen.speedup->median));
  if (fewer != nullptr)
    text += fmt::format("{}{} {} of {}", text.empty() ? "" : " and ", times(times_the_work(chosen, *fewer)),
                        text.empty() ? "the work" : "that", count(fewer->point.nodes, "node"));
  if (text.empty()) return "";
  return fmt::format("; {} {} {}", count(chosen.point.nodes, "node"), chosen.point.nodes == 1 ? "does" : "do",
                     text);
}

// How far predictions are off where there are measurements too: " (predictions are off by up to 4.7 %)".
std::string largest_error(const PointGroup& group) {
  double largest = -1;
  for (const PointSummary& summary : group.points)
    if (const auto error = summary.prediction_error()) largest = std::max(largest, std::abs(*error));
  return largest < 0 ? "" : fmt::format(" (predictions are off by up to {:.1f} %)", 100 * largest);
}

// "; 8 nodes are predicted to do 1.7 times as much with bf16, 16 nodes 2.9 times with dynamic-tree8": the
// best of each number of nodes for which there are predictions only.
std::string predicted_gain(const PointGroup& group, const PointSummary& chosen) {
  const double own = chosen.prediction ? chosen.throughput().median / (1 + *chosen.prediction_error())
                                       : chosen.throughput().median;
  std::string text;
  for (const int nodes : group.node_counts()) {
    const PointSummary* best = nullptr;
    for (const PointSummary& summary : group.points)
      if (summary.point.nodes == nodes && nodes > chosen.point.nodes && !summary.step_ms &&
          summary.prediction && (best == nullptr || times_the_work(summary, *best) > 1))
        best = &summary;
    if (best == nullptr) continue;
    const bool is_first = text.empty();
    text += fmt::format("{} {}{} {}{} with {}", is_first ? ";" : ",", count(nodes, "node"),
                        is_first ? " are predicted to do" : "", times(best->throughput().median / own),
                        is_first ? " as much" : "", best->point.codec);
  }
  return text.empty() ? "" : text + largest_error(group);
}

std::string about_more(const PointGroup& group, const PointSummary& chosen, const PointSummary* more) {
  if (more != nullptr)
    return fmt::format("; {} {}", count(more->point.nodes, "node"),
                       does_more(chosen, *more) ? "do less" : "do no more beyond the spread");
  if (const std::string predicted = predicted_gain(group, chosen); !predicted.empty()) return predicted;
  return "; more were not measured";
}

// Where a rank alone does as much as what is best of all that exchanges; beside it how much of that is the
// exchange's fault, if it was measured what as many ranks do without one.
std::string stay_alone(const PointGroup& group, const PointSummary& chosen) {
  const std::string gain = gain_over_plain(group, chosen);
  std::string text = fmt::format(
      "Stay with one rank on this network: {} with {}{} do {} its work{}", count(chosen.point.nodes, "node"),
      chosen.point.codec, gain.empty() ? "" : fmt::format(" ({})", gain), times(chosen.speedup->median),
      chosen.speedup->most < 1 ? "" : ", no more beyond the spread");
  for (const PointSummary& summary : group.points)
    if (summary.point.nodes == chosen.point.nodes && bits_of_codec(summary.point.codec) == 0 &&
        summary.speedup)
      text += fmt::format("; without an exchange, {}", times(summary.speedup->median));
  return text;
}

}  // namespace

std::string advice(const PointGroup& group, const Summary& summary) {
  const std::vector<const PointSummary*> all = choices(group);
  if (all.empty()) return "No advice: there is no measurement of ranks that exchange gradients.";
  const auto most = std::ranges::max_element(
      all, {}, [](const PointSummary* candidate) { return candidate->throughput().median; });
  const auto best = std::ranges::find_if(
      all, [&](const PointSummary* candidate) { return !does_more(**most, *candidate); });
  const PointSummary& chosen = **best;
  const std::string caveat = group.least_repeats() > 1 ? "." : "; some of this was measured only once.";

  const bool has_lone_rank = group.baseline && group.baseline->point.ranks() == 1;
  if (has_lone_rank && chosen.speedup->least <= 1) return stay_alone(group, chosen) + caveat;
  const std::string gain = gain_over_plain(group, chosen);
  return fmt::format("With {} on this network use {}{}{}{}{}{}{}", count(chosen.point.nodes, "node"),
                     label(series_of(chosen.point), summary), gain.empty() ? "" : ": ", gain,
                     beside_compression(group, chosen),
                     gain_over_fewer(group, chosen, best == all.begin() ? nullptr : *(best - 1)),
                     about_more(group, chosen, best + 1 == all.end() ? nullptr : *(best + 1)), caveat);
}

}  // namespace eightfold::runtime::scale::report
