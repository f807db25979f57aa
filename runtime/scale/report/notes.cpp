#include "runtime/scale/report/notes.hpp"

#include "runtime/scale/report/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace eightfold::runtime::scale::report {
namespace {

// Of the predictions that are far off: how many they are, and the worst.
std::string large_errors(const Section& section, const Summary& summary) {
  int compared = 0, large = 0;
  const PointSummary* worst = nullptr;
  for (const PointSummary& point : section.points) {
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

std::vector<std::string> notes(const Section& section, const Summary& summary) {
  std::vector<std::string> all;
  const bool is_predicted = std::ranges::any_of(
      section.points, [](const PointSummary& point) { return point.prediction.has_value(); });
  if (is_predicted && !section.shared_cores.empty())
    all.push_back(fmt::format("Predictions: {}.", section.shared_cores));
  if (std::string errors = large_errors(section, summary); !errors.empty()) all.push_back(std::move(errors));
  return all;
}

}  // namespace eightfold::runtime::scale::report
