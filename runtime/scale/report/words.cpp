#include "runtime/scale/report/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace eightfold::runtime::scale::report {
namespace {

// Whether it was measured what several ranks do without an exchange.
bool has_idle_ranks(const Summary& summary) {
  for (const PointGroup& group : summary.groups)
    for (const PointSummary& point : group.points)
      if (point.point.codec == kNoExchange && point.point.ranks() > 1) return true;
  return false;
}

}  // namespace

std::string figure(double value) {
  if (!std::isfinite(value)) return fmt::format("{}", value);
  if (std::abs(value) < 0.0005) return "0";
  // Of what rounding makes of it: 9.996 is 10.0, not 10.00.
  const double rounded = std::stod(fmt::format("{:.2e}", value));
  const int digits_before = static_cast<int>(std::floor(std::log10(std::abs(rounded)))) + 1;
  return fmt::format("{:.{}f}", value, std::clamp(3 - digits_before, 0, 3));
}

std::string times(double ratio) {
  return figure(ratio) + " times";
}

std::string count(int number, const std::string& singular) {
  return fmt::format("{} {}{}", number, singular, number == 1 ? "" : "s");
}

std::string list(const std::vector<int>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) text += i + 1 == numbers.size() ? " and " : ", ";
    text += fmt::format("{}", numbers[i]);
  }
  return text;
}

std::string label(const Series& series, const Summary& summary) {
  if (series.codec == kNoExchange) return has_idle_ranks(summary) ? "no exchange" : "1 rank, no exchange";
  const auto same_codec = [&](const Series& other) { return other.codec == series.codec; };
  const bool is_only_one = std::ranges::count_if(summary.series, same_codec) <= 1;
  return is_only_one || series.algorithm.empty() ? series.codec : series.codec + ", " + series.algorithm;
}

std::string title(const PointGroup& group, const Summary& summary) {
  const auto other_name = [&](const PointGroup& other) { return other.experiment != group.experiment; };
  const bool is_strong = group.policy == BatchPolicy::strong;
  return fmt::format("{}{} scaling, {} samples {}, {} per node",
                     std::ranges::any_of(summary.groups, other_name) ? group.experiment + ": " : "",
                     is_strong ? "Strong" : "Weak", figure(group.batch), is_strong ? "in all" : "per rank",
                     count(group.ranks_per_node, "rank"));
}

}  // namespace eightfold::runtime::scale::report
