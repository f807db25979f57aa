#include "runtime/scale/report/crossover.hpp"

#include "runtime/scale/report/words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace eightfold::runtime::scale::report {
namespace {

constexpr int kBitsOfBf16 = 16;

// "1.52 times as fast with 2 nodes", then "1.01 times with 4 (within the spread)".
std::string clause(const PointSummary& coded, const PointSummary& plain, bool is_first) {
  const bool is_tie = compare(*coded.step_ms, *plain.step_ms) == Comparison::same;
  return fmt::format("{} {}with {}{}", times(times_as_fast(coded, plain)), is_first ? "as fast " : "",
                     is_first ? count(coded.point.nodes, "node") : fmt::format("{}", coded.point.nodes),
                     is_tie ? " (within the spread)" : "");
}

std::string conclusion(const std::vector<int>& pays, const std::vector<int>& does_not) {
  if (does_not.empty()) return "within what was measured, compression never stops paying";
  if (pays.empty()) return "bf16 does as well wherever both were measured";
  if (pays.back() < does_not.front())
    return fmt::format("compression stops paying at {}", count(does_not.front(), "node"));
  if (does_not.back() < pays.front())
    return fmt::format("compression pays from {} on and, within what was measured, never stops",
                       count(pays.front(), "node"));
  return fmt::format("compression pays with {} nodes and does not with {}", list(pays), list(does_not));
}

Crossover crossover_of(const PointGroup& group, const std::string& codec) {
  Crossover result{.codec = codec};
  std::string clauses;
  for (const int nodes : group.node_counts()) {
    const PointSummary* coded = fastest(group, nodes, codec);
    const PointSummary* plain = fastest(group, nodes, "bf16");
    if (coded == nullptr || plain == nullptr) continue;
    clauses += (clauses.empty() ? "" : ", ") + clause(*coded, *plain, clauses.empty());
    const bool is_faster = compare(*coded->step_ms, *plain->step_ms) == Comparison::faster;
    (is_faster ? result.pays : result.does_not_pay).push_back(nodes);
  }
  result.words =
      clauses.empty()
          ? fmt::format("{} has no measurement beside bf16: where it stops paying cannot be told.", codec)
          : fmt::format("{} against bf16: {}; {}.", codec, clauses,
                        conclusion(result.pays, result.does_not_pay));
  return result;
}

}  // namespace

bool exchanges(const PointSummary& summary) {
  return summary.step_ms && summary.point.ranks() > 1 && bits_of_codec(summary.point.codec).value_or(0) > 0;
}

bool compresses(const std::string& codec) {
  const int bits = bits_of_codec(codec).value_or(0);
  return bits > 0 && bits < kBitsOfBf16;
}

double times_as_fast(const PointSummary& summary, const PointSummary& other) {
  return other.step_ms->median / summary.step_ms->median;
}

const PointSummary* fastest(const PointGroup& group, int nodes, const std::string& codec) {
  const PointSummary* best = nullptr;
  for (const PointSummary& summary : group.points)
    if (exchanges(summary) && summary.point.nodes == nodes && summary.point.codec == codec &&
        (best == nullptr || summary.step_ms->median < best->step_ms->median))
      best = &summary;
  return best;
}

std::vector<Crossover> crossovers(const PointGroup& group) {
  std::vector<Crossover> found;
  for (const PointSummary& summary : group.points) {
    const std::string& codec = summary.point.codec;
    const bool is_known =
        std::ranges::any_of(found, [&](const Crossover& other) { return other.codec == codec; });
    if (compresses(codec) && !is_known) found.push_back(crossover_of(group, codec));
  }
  return found;
}

}  // namespace eightfold::runtime::scale::report
