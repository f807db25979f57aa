#include "launch/scale/experiment.hpp"

#include "kernels/base/hash.hpp"
#include "kernels/base/path.hpp"
#include "runtime/job/show.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <span>

namespace eightfold::launch::scale {

using runtime::scale::BatchPolicy;
using runtime::scale::kNoExchange;
using runtime::scale::Point;

namespace {

void add_point(std::vector<Point>& points, const ExperimentAxes& axes, Point point) {
  point.global_batch =
      point.policy == BatchPolicy::strong ? axes.strong_batch : axes.weak_batch * point.ranks();
  point = measured_as(std::move(point));
  if (std::ranges::find(points, point) == points.end()) points.push_back(std::move(point));
}

}  // namespace

std::vector<Point> points_of(const ExperimentAxes& axes) {
  std::vector<Point> points;
  for (const int nodes : axes.nodes)
    for (const int ranks : axes.ranks_per_node)
      for (const BatchPolicy policy : axes.policies)
        for (const std::string& codec : axes.codecs)
          for (const std::string& algorithm : axes.algorithms)
            add_point(points, axes, {nodes, ranks, codec, algorithm, policy, 0});
  return points;
}

std::vector<PointStart> starts_of(const std::vector<Point>& points, int repeats) {
  std::vector<PointStart> starts;
  for (int repeat = 0; repeat < repeats; ++repeat)
    for (const Point& point : points) starts.push_back({point, repeat});
  return starts;
}

std::vector<std::string> bench_command(const ExperimentBench& bench, const Point& point) {
  std::vector<std::string> command = {bench.program, "bench", "step", base::literal_path(bench.job)};
  for (const std::string& each : bench.overrides) command.insert(command.end(), {"--set", each});
  const std::string exchange = point.codec == kNoExchange
                                   ? point.codec
                                   : fmt::format("codec={},algorithm={}", point.codec, point.algorithm);
  command.insert(command.end(), {"--set", fmt::format("job.global_batch={}", point.global_batch),
                                 "--exchange", exchange, "--steps", std::to_string(bench.steps), "--warmup",
                                 std::to_string(bench.warmup), "--json", base::literal_path(bench.json)});
  return command;
}

std::string experiment_name(runtime::config::JobConfig job, const ExperimentBench& bench,
                            const std::string& launcher, const std::vector<std::string>& launcher_arguments) {
  job.job.global_batch = 1;
  job.exchange.codec = runtime::config::Exchange().codec;
  job.exchange.algorithm = runtime::config::Exchange().algorithm;
  const std::string text =
      fmt::format("{}\n{}", runtime::job::resolved_toml(job), fmt::join(launcher_arguments, "\n"));
  return fmt::format("{} steps={} warmup={} {} {:016x}", job.job.name, bench.steps, bench.warmup, launcher,
                     base::hash64(std::span<const char>(text)));
}

std::string describe(const Point& point) {
  const std::string exchange =
      point.codec == kNoExchange ? "no exchange" : fmt::format("{} by {}", point.codec, point.algorithm);
  const std::string ranks =
      point.ranks() == 1 ? "1 rank" : fmt::format("{} nodes x {}", point.nodes, point.ranks_per_node);
  return fmt::format("{}, {}, {}, {} samples", ranks, exchange, to_string(point.policy), point.global_batch);
}

}  // namespace eightfold::launch::scale
