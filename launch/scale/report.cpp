// eightfold scale report
#include "runtime/scale/report/report.hpp"

#include "comm/selection.hpp"
#include "kernels/base/file.hpp"
#include "launch/command/result.hpp"
#include "launch/process/launcher_options.hpp"
#include "launch/scale/scale.hpp"
#include "runtime/scale/fabric_file.hpp"
#include "runtime/scale/workload_file.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace eightfold::launch::scale {
namespace {

namespace fs = std::filesystem;
namespace scaling = runtime::scale::report;

struct ReportOptions {
  std::vector<fs::path> results;
  fs::path out;
  fs::path csv;                    // empty: beside the page
  fs::path profile;                // empty: no predictions
  std::vector<fs::path> fabrics;   // as many as results; none of a single file: the profile's
  std::vector<int> further_nodes;  // to predict
  bool has_own_hosts = false;
};

struct ReportFiles {
  fs::path page, csv;
};

bool is_page(const fs::path& out) {
  std::string extension = out.extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return std::tolower(c); });
  return extension == ".html" || extension == ".htm";
}

// Checks before the work that the files can be written, as far as their directories exist.
ReportFiles files_of(const ReportOptions& options) {
  ReportFiles files{options.out, options.csv};
  if (!is_page(options.out)) files.page = options.out / "report.html";
  if (files.csv.empty()) files.csv = fs::path(files.page).replace_extension(".csv");
  if (files.csv == files.page)
    base::raise<base::ConfigError>("--csv: {} is the page's name", files.csv.string());
  if (is_page(options.out) || fs::exists(options.out)) command::check_result_path("--out", files.page);
  if (!options.csv.empty()) command::check_result_path("--csv", files.csv);
  return files;
}

void check_predictions(const ReportOptions& options) {
  if (options.profile.empty() &&
      (!options.fabrics.empty() || !options.further_nodes.empty() || options.has_own_hosts))
    base::raise<base::ConfigError>("--fabric, --predict-nodes and {} need --profile", kOwnHosts);
  const bool is_profiles = options.fabrics.empty() && options.results.size() == 1;
  if (!options.profile.empty() && !is_profiles && options.fabrics.size() != options.results.size())
    base::raise<base::ConfigError>(
        "{} files of results, {} of fabrics: each needs the fabric it was measured on, as --fabric FILE in "
        "their order; the profile's own is that of one file",
        options.results.size(), options.fabrics.size());
}

// Predicts points of the profiled job on this fabric. Not predicted are: one rank, ranks that exchange
// nothing, more ranks than samples, MPI's own algorithms, and formats that the schedule does not support.
scaling::Predictor predictor_of(const runtime::scale::Workload& workload,
                                const comm::simulator::Fabric& fabric) {
  return [workload, fabric](const runtime::scale::Point& point) -> std::optional<runtime::scale::Prediction> {
    const auto format = quant8::parse_format(point.codec);
    if (!format || point.ranks() == 1 || point.ranks() > point.global_batch) return std::nullopt;
    runtime::scale::Question question{point.nodes, point.ranks_per_node, *format, point.algorithm};
    if (question.algorithm == "auto")
      question.algorithm = comm::select_algorithm(
                               *format, question.bucket_bytes,
                               comm::schedules::Topology::uniform(point.nodes, point.ranks_per_node), nullptr)
                               .algorithm;
    if (!comm::is_allreduce(question.algorithm, *format)) return std::nullopt;
    const std::int64_t batch =
        (point.global_batch + point.ranks() - 1) / point.ranks();  // of the rank that has most
    return runtime::scale::predict(workload.with_batch(batch), fabric, question);
  };
}

// Predicts the points of an experiment, for the profiled job on the fabric of this file.
void add_predictions(const ReportOptions& options, const fs::path& fabric_file,
                     scaling::Experiment& experiment) {
  if (!runtime::scale::can_predict())
    base::raise<base::EnvironmentError>(
        "--profile: this eightfold was built without SimGrid, which predicts; leave --profile out, or "
        "install libsimgrid-dev and build again");
  const runtime::scale::Workload workload = runtime::scale::read_workload(options.profile);
  comm::simulator::Fabric fabric = runtime::scale::read_fabric(fabric_file);
  if (options.has_own_hosts) {
    process::check_no_effect(shared_cores(workload, fabric).empty(), kOwnHosts, "nodes that share cores");
    fabric = runtime::scale::with_own_hosts(std::move(fabric));
  }
  experiment.predict = predictor_of(workload, fabric);
  experiment.shared_cores = shared_cores(workload, fabric);
}

// The file's name, or its path where others have the same name.
std::string name_of(const fs::path& file, const std::vector<fs::path>& files) {
  const auto same_name = [&](const fs::path& other) { return other.stem() == file.stem(); };
  return std::ranges::count_if(files, same_name) == 1 ? file.stem().string() : file.string();
}

// A file joined from several experiments would mix the points of different jobs.
void check_one_experiment(const fs::path& file,
                          const std::vector<runtime::scale::Measurement>& measurements) {
  for (const runtime::scale::Measurement& each : measurements)
    if (each.experiment != measurements.front().experiment)
      base::raise<base::DataError>(
          "{}: it has measurements of {} and of {}; a report takes one experiment a file", file.string(),
          measurements.front().experiment, each.experiment);
}

std::vector<scaling::Experiment> read_experiments(const ReportOptions& options) {
  std::vector<scaling::Experiment> experiments;
  for (std::size_t i = 0; i < options.results.size(); ++i) {
    const fs::path& file = options.results[i];
    scaling::Experiment& experiment = experiments.emplace_back();
    experiment.name = name_of(file, options.results);
    experiment.measurements = runtime::scale::read_measurements(file);
    check_one_experiment(file, experiment.measurements);
    experiment.further_nodes = options.further_nodes;
    if (!options.profile.empty())
      add_predictions(options, options.fabrics.empty() ? options.profile : options.fabrics[i], experiment);
  }
  return experiments;
}

void write_page(const scaling::Report& report, const fs::path& page) {
  std::string html;
  try {
    html = html_of(report);
  } catch (const base::EnvironmentError& error) {
    base::raise<base::EnvironmentError>("{} is not written, only the table is: {}", page.string(),
                                        error.what());
  }
  base::write_output_file(page, html);
  fmt::print("{}\n", page.string());
  command::flush_output();
}

void write_report(const ReportOptions& options) {
  check_predictions(options);
  const ReportFiles files = files_of(options);
  const scaling::Report made = scaling::make_report(read_experiments(options));
  base::create_directories(files.page.parent_path(), base::Access::umask);
  base::write_output_file(files.csv, made.csv);
  for (const std::string& advice : made.advice) fmt::print("{}\n", advice);
  for (const std::string& note : made.notes) fmt::print("Note: {}\n", note);
  fmt::print("{}\n", files.csv.string());
  command::flush_output();
  write_page(made, files.page);
}

}  // namespace

void add_scale_report(const command::Command& scale, command::Action& chosen) {
  auto options = std::make_shared<ReportOptions>();
  const command::Command command =
      scale.add_command("report", "Make an HTML page with plots, and a table, of what was measured");
  command.footer(
      "Several files of results are experiments to be compared: one job on several networks.\n"
      "  eightfold scale report results.jsonl --out report.html\n"
      "docs/scaling.md says how each figure is defined. The plots are drawn by gnuplot; without it there is "
      "only the table.");
  command.add_option("results", options->results, "What `eightfold scale run` has written")
      .type_name("RESULTS.jsonl")
      .required()
      .existing_file();
  command.add_option("--out", options->out, "The page, or a directory for report.html and report.csv")
      .type_name("DIR|FILE.html")
      .required();
  command.add_option("--csv", options->csv, "The table, if not beside the page").type_name("FILE");
  command
      .add_option("--profile", options->profile,
                  "Predict with the job's profile (`eightfold bench step --profile`)")
      .type_name("FILE")
      .existing_file();
  command
      .add_option("--fabric", options->fabrics,
                  "The network of the results, if not the profile's; one for each of several files, in order")
      .type_name("FILE")
      .existing_file()
      .one_word();
  command.add_option("--predict-nodes", options->further_nodes, "Predict these numbers of nodes too")
      .type_name("N,N,...")
      .comma_separated()
      .positive();
  command.add_flag(kOwnHosts, options->has_own_hosts, kOwnHostsHelp);
  command::run_alone(command, chosen, options, write_report);
}

}  // namespace eightfold::launch::scale
