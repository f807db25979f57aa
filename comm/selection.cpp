#include "comm/selection.hpp"

#include "kernels/base/counted.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

namespace eightfold::comm {
namespace {

// A rule of thumb, for want of a measurement: a bucket of about one message has nothing to gain from a
// pipeline.
constexpr std::size_t kShortBucket = std::size_t{64} << 10;

using Curve = std::vector<std::pair<double, double>>;  // bytes, seconds; by bytes, none twice

// On straight lines between the logarithms of sizes and times; beyond the ends, on the last line.
double time_at(const Curve& curve, double bytes) {
  if (curve.size() == 1) return curve.front().second;
  auto right = std::ranges::lower_bound(curve, bytes, {}, &Curve::value_type::first);
  right = std::clamp(right, curve.begin() + 1, curve.end() - 1);
  const auto& [x0, y0] = *(right - 1);
  const auto& [x1, y1] = *right;
  const double position = (std::log(bytes) - std::log(x0)) / (std::log(x1) - std::log(x0));
  return std::exp(std::log(y0) + position * (std::log(y1) - std::log(y0)));
}

std::map<std::string, Curve> curves_of(const measure::Calibration& calibration, quant8::Format format) {
  std::map<std::string, Curve> curves;
  for (const measure::AllreduceTime& time : calibration.allreduces)
    if (time.format == format)
      curves[time.algorithm].emplace_back(static_cast<double>(time.size_bytes), time.time_s);
  for (auto& [algorithm, curve] : curves) {
    std::ranges::sort(curve);
    const auto twice = std::ranges::unique(curve, {}, &Curve::value_type::first);
    curve.erase(twice.begin(), twice.end());
  }
  return curves;
}

Selection by_rule(quant8::Format format, std::size_t bytes, const schedules::Topology& topology,
                  std::string_view why) {
  const auto selection = [&](std::string algorithm, std::string_view rule) {
    return Selection{std::move(algorithm), fmt::format("{}; {}", why, rule)};
  };
  if (format == quant8::Format::fp32 && bytes <= kShortBucket)
    return selection("mpi", "short buckets in fp32 are left to MPI");
  if (topology.nodes() > 1 && topology.rails() > 1)
    return selection("hierarchical", "nodes have several ranks each");
  return selection("two_shot", "two quantisations, whatever the number of ranks");
}

}  // namespace

bool is_allreduce(std::string_view algorithm, quant8::Format format) {
  const schedules::Generator* generator = schedules::find_allreduce(algorithm);
  return generator != nullptr && (!generator->exact_only || format == quant8::Format::fp32);
}

const schedules::Generator& allreduce_generator(std::string_view algorithm, quant8::Format format) {
  const schedules::Generator* generator = schedules::find_allreduce(algorithm);
  if (generator == nullptr)
    base::raise<base::ConfigError>("there is no allreduce \"{}\"; there are auto, mpi, {}", algorithm,
                                   fmt::join(schedules::allreduce_names(), ", "));
  if (generator->exact_only && format != quant8::Format::fp32)
    base::raise<base::ConfigError>(
        "{} adds partial sums up again and again, which {} would round differently on every rank; use it "
        "with "
        "fp32, or two_shot",
        algorithm, to_string(format));
  return *generator;
}

Selection select_algorithm(quant8::Format format, std::size_t bytes, const schedules::Topology& topology,
                           const measure::Calibration* calibration) {
  if (calibration == nullptr) return by_rule(format, bytes, topology, "there is no calibration");
  if (calibration->ranks != topology.ranks() || calibration->nodes != topology.nodes())
    return by_rule(
        format, bytes, topology,
        fmt::format("the calibration is of {} on {}, the job has {} on {}",
                    base::counted(calibration->ranks, "rank"), base::counted(calibration->nodes, "node"),
                    topology.ranks(), topology.nodes()));
  const std::map<std::string, Curve> curves = curves_of(*calibration, format);
  if (curves.empty())
    return by_rule(format, bytes, topology,
                   fmt::format("the calibration has no times for {}", to_string(format)));
  const auto time = [&](const auto& each) {
    return time_at(each.second, static_cast<double>(std::max<std::size_t>(bytes, 1)));
  };
  const auto best = std::ranges::min_element(curves, {}, time);
  return {best->first, fmt::format("{:.3g} ms for {} by the calibration of {}", 1e3 * time(*best),
                                   base::format_bytes(bytes), calibration->date)};
}

}  // namespace eightfold::comm
