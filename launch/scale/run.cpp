// eightfold scale run
#include "kernels/base/clock.hpp"
#include "kernels/base/counted.hpp"
#include "kernels/base/median.hpp"
#include "kernels/base/parse.hpp"
#include "launch/command/result.hpp"
#include "launch/process/child_process.hpp"
#include "launch/process/launcher_output.hpp"
#include "launch/process/silent_hosts.hpp"
#include "launch/scale/results_file.hpp"
#include "launch/scale/run_options.hpp"
#include "launch/scale/scale.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace eightfold::launch::scale {
namespace {

namespace fs = std::filesystem;
using runtime::scale::Measurement;
using runtime::scale::Point;

using Results = std::map<std::pair<Point, int>, Measurement>;

// The measurements of a file, by point and repeat. Throws DataError if some are of another experiment.
Results results_of(const Experiment& experiment, const std::vector<Measurement>& measurements) {
  Results results;
  for (const Measurement& each : measurements) {
    if (each.experiment != experiment.name)
      base::raise<base::DataError>(
          "{} holds results of \"{}\", this is \"{}\"; another job, another length and another launcher need "
          "another file",
          experiment.results.string(), each.experiment, experiment.name);
    results[{each.point, each.repeat}] = each;
  }
  return results;
}

bool is_done(const Experiment& experiment, const Results& results, const PointStart& start) {
  const auto found = results.find({start.point, start.repeat});
  return found != results.end() && (found->second.figures || !experiment.retries_failed);
}

std::string failure_of(const Experiment& experiment, const process::ChildEnd& end) {
  const std::string message = process::last_error_line(end.error_output);
  if (end.how == process::ChildEnd::How::timed_out)
    return fmt::format("not over after {}: {}", base::format_duration(experiment.time_limit), message);
  if (end.how == process::ChildEnd::How::killed) return fmt::format("signal {}: {}", end.code, message);
  return fmt::format("exit code {}: {}", end.code, message);
}

// Whether the exit code is that of the ranks. Other codes may be the launcher's.
bool is_end_of_ranks(const process::ChildEnd& end) {
  constexpr std::array kTheirs = {base::ExitCode::done, base::ExitCode::usage, base::ExitCode::data,
                                  base::ExitCode::divergence};
  return end.how == process::ChildEnd::How::exited &&
         std::ranges::find(kTheirs, static_cast<base::ExitCode>(end.code)) != kTheirs.end();
}

// Throws EnvironmentError if ranks cannot be started on some hosts: every other point would fail too.
void check_hosts(const Experiment& experiment, const Measurement& measurement, const process::ChildEnd& end,
                 process::EndRequest& request) {
  if (measurement.figures || is_end_of_ranks(end)) return;
  std::vector<process::Host> hosts = experiment.launcher.hosts;
  hosts.resize(std::min(hosts.size(), static_cast<std::size_t>(measurement.point.nodes)));
  const std::vector<process::SilentHost> silent =
      process::find_silent_hosts(experiment.launcher.on(hosts), request);
  if (!silent.empty() && !request.signal())
    base::raise<base::EnvironmentError>("{}; {} holds what is measured, the same command goes on from there",
                                        describe(silent), experiment.results.string());
}

// Sets figures and environment, or the failure. Ranks and nodes are checked: the user's launcher arguments
// may change them, and several names may be one host.
void take_result(const Experiment& experiment, const process::ChildEnd& end, Measurement& measurement) {
  if (end.how != process::ChildEnd::How::exited || end.code != 0) {
    measurement.failure = failure_of(experiment, end);
    return;
  }
  try {
    runtime::scale::StepResult result = runtime::scale::read_step_result(experiment.bench.json);
    const Point& point = measurement.point;
    if (result.ranks != point.ranks() || result.nodes != point.nodes)
      base::raise<base::DataError>("it ran on {} with {}, not on {} with {}",
                                   base::counted(result.nodes, "node"), base::counted(result.ranks, "rank"),
                                   point.nodes, point.ranks());
    measurement.figures = result.figures;
    measurement.environment = std::move(result.environment);
  } catch (const base::Error& error) {
    measurement.failure = fmt::format("exit code 0, but no result: {}", error.what());
  }
}

// Measures a point; nothing if this process was asked to end.
std::optional<Measurement> measure_start(const Experiment& experiment, const PointStart& start,
                                         process::EndRequest& request) {
  Measurement measurement{start.point, start.repeat, base::utc_stamp(), {}, {}, "{}", experiment.name};
  std::error_code ignored;
  fs::remove(experiment.bench.json, ignored);  // of a run that was killed
  const process::ChildEnd end =
      process::run_child(experiment.command(start.point), experiment.time_limit, request);
  if (end.how != process::ChildEnd::How::interrupted) take_result(experiment, end, measurement);
  fs::remove(experiment.bench.json, ignored);
  if (end.how != process::ChildEnd::How::interrupted) check_hosts(experiment, measurement, end, request);
  if (end.how == process::ChildEnd::How::interrupted) return std::nullopt;
  if (!measurement.figures && request.signal())
    return std::nullopt;  // the request may have caused the failure
  return measurement;
}

struct Tally {
  int measured = 0, failed = 0, skipped = 0;
};

[[noreturn]] void interrupted(const Experiment& experiment, process::EndRequest& request) {
  throw base::ErrorOf<base::ExitCode::requeue>(
      fmt::format("ended by signal {}; {} holds what is measured, the same command goes on from there",
                  request.signal().value_or(0), experiment.results.string()));
}

Tally measure_all(const Experiment& experiment, ResultsFile& file, Results& results) {
  process::EndRequest request;
  Tally tally;
  for (std::size_t i = 0; i < experiment.starts.size(); ++i) {
    const PointStart& start = experiment.starts[i];
    if (is_done(experiment, results, start)) {
      ++tally.skipped;
      continue;
    }
    if (request.signal()) interrupted(experiment, request);
    const auto measurement = measure_start(experiment, start, request);
    if (!measurement) interrupted(experiment, request);
    file.append(*measurement);
    fmt::print("[{}/{}] {}, repeat {}: {}\n", i + 1, experiment.starts.size(), describe(start.point),
               start.repeat + 1,
               measurement->figures ? fmt::format("{:.2f} ms", measurement->figures->step_ms)
                                    : "failed, " + measurement->failure);
    command::flush_output();
    ++(measurement->figures ? tally.measured : tally.failed);
    results[{start.point, start.repeat}] = *measurement;
  }
  return tally;
}

// Prints the median of each point over its repeats, or its failure.
void summarize(const Experiment& experiment, const Results& results) {
  fmt::print("\n{:>7}  medians of the repeats of a point, in ms: step, computing, exposed, codec\n",
             "repeats");
  for (const Point& point : experiment.points) {
    std::vector<double> step, compute, exposed, codec;
    std::string failure;
    for (const auto& [key, measurement] : results) {
      if (key.first != point) continue;
      if (!measurement.figures) failure = measurement.failure;
      if (!measurement.figures) continue;
      step.push_back(measurement.figures->step_ms);
      compute.push_back(measurement.figures->compute_ms);
      exposed.push_back(measurement.figures->exposed_ms);
      codec.push_back(measurement.figures->codec_ms);
    }
    fmt::print("{:>7}  {}: {}\n", step.size(), describe(point),
               step.empty() ? failure
                            : fmt::format("{:.2f} {:.2f} {:.2f} {:.2f}", base::median(step),
                                          base::median(compute), base::median(exposed), base::median(codec)));
  }
}

void scale_run(const ScaleRunOptions& options) {
  const Experiment experiment = experiment_of(options);
  Results results;
  if (options.is_dry) {
    if (fs::exists(experiment.results))
      results = results_of(experiment, runtime::scale::read_measurements(experiment.results));
    for (const PointStart& start : experiment.starts)
      if (!is_done(experiment, results, start))
        fmt::print("{}\n", process::shell_words(experiment.command(start.point)));
    return;
  }
  ResultsFile file(experiment.results);
  results = results_of(experiment, file.recover());
  const Tally tally = measure_all(experiment, file, results);
  summarize(experiment, results);
  fmt::print("{}\n", command::result_line({{"points", experiment.points.size()},
                                           {"measured", tally.measured},
                                           {"failed", tally.failed},
                                           {"skipped", tally.skipped},
                                           {"results", experiment.results.string()}}));
  command::flush_output();
  const auto has_figures = [](const auto& each) { return each.second.figures.has_value(); };
  if (std::ranges::none_of(results, has_figures))
    base::raise<base::EnvironmentError>("no point could be measured; {}",
                                        results.empty() ? "there is none" : results.begin()->second.failure);
}

}  // namespace

void add_scale_run(const command::Command& scale, command::Action& chosen) {
  auto options = std::make_shared<ScaleRunOptions>();
  const command::Command command = scale.add_command(
      "run", "Time the step of a job over nodes, codecs, algorithms and batches, through a launcher");
  command.footer(
      "Starts `eightfold bench step` for every point, all points by turns, and appends a line to --results "
      "each time.\n"
      "Interrupted, the same command goes on where it was. A point that fails is recorded as failed.\n"
      "  eightfold scale run JOB --results out.jsonl --nodes 1,2,4 --hosts a,b,c,d\n"
      "docs/scaling.md has the rest.");
  options->add_to(command);
  command::run_alone(command, chosen, options, scale_run);
}

}  // namespace eightfold::launch::scale
