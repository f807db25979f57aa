#include "runtime/scale/report/notes.hpp"

#include "runtime/scale/report/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace eightfold::runtime::scale::report {
namespace {

// Of the predictions that are far off: how many they are, and the worst.
std::string large_errors(const PointGroup& group, const Summary& summary) {
  int compared = 0, large = 0;
  const PointSummary* worst = nullptr;
  for (const PointSummary& point : group.points) {
    const auto error = point.prediction_error();
    if (!error) continue;
    ++compared;
    if (std::abs(*error) <= kLargeError) continue;
    ++large;
    if (worst == nullptr || std::abs(*error) > std::abs(*worst->prediction_error())) worst = &point;
  }
  if (worst == nullptr) return "";
  return fmt::format(
      "{} of {} {} off by more than {:.0f} %, that of {} with {} by {:+.0f} %: the profile or the fabric may "
      "be of another network, machine or load than was measured.",
      large, count(compared, "prediction"), large == 1 ? "is" : "are", 100 * kLargeError,
      count(worst->point.nodes, "node"), label(series_of(worst->point), summary),
      100 * *worst->prediction_error());
}

}  // namespace

std::vector<std::string> notes(const PointGroup& group, const Summary& summary) {
  std::vector<std::string> all;
  const bool is_predicted = std::ranges::any_of(
      group.points, [](const PointSummary& point) { return point.prediction.has_value(); });
  if (is_predicted && !group.shared_cores.empty())
    all.push_back(fmt::format("Predictions: {}.", group.shared_cores));
  if (std::string errors = large_errors(group, summary); !errors.empty()) all.push_back(std::move(errors));
  return all;
}

}  // namespace eightfold::runtime::scale::report
