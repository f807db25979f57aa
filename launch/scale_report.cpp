// eightfold scale report
#include "comm/selection.hpp"
#include "kernels/base/file.hpp"
#include "launch/result.hpp"
#include "launch/scale.hpp"
#include "runtime/scale/fabric_file.hpp"
#include "runtime/scale/report/report.hpp"
#include "runtime/scale/workload_file.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace eightfold::launch {
namespace {

namespace fs = std::filesystem;
namespace scaling = runtime::scale::report;

struct ReportOptions {
  std::vector<fs::path> results;
  fs::path out;
  fs::path csv;                    // empty: beside the page
  fs::path profile;                // empty: no predictions
  std::vector<fs::path> fabrics;   // as many as results, or none: the profile's
  std::vector<int> further_nodes;  // to predict
};

struct ReportFiles {
  fs::path page, csv;
};

// Checked before the work, as far as the directories are there already.
ReportFiles files_of(const ReportOptions& options) {
  ReportFiles files{options.out, options.csv};
  const bool is_page = options.out.extension() == ".html";
  if (!is_page) files.page = options.out / "report.html";
  if (files.csv.empty()) files.csv = fs::path(files.page).replace_extension(".csv");
  if (files.csv == files.page)
    base::raise<base::ConfigError>("--csv: {} is the page's name", files.csv.string());
  if (is_page || fs::exists(options.out)) check_result_path("--out", files.page);
  if (!options.csv.empty()) check_result_path("--csv", files.csv);
  return files;
}

void check_predictions(const ReportOptions& options) {
  if (options.profile.empty() && (!options.fabrics.empty() || !options.further_nodes.empty()))
    base::raise<base::ConfigError>("--fabric and --predict-nodes need --profile");
  if (!options.fabrics.empty() && options.fabrics.size() != options.results.size())
    base::raise<base::ConfigError>(
        "{} files of results, {} of fabrics: each needs the fabric it was measured on",
        options.results.size(), options.fabrics.size());
}

// What the simulator says about points of the profiled job on this fabric: nothing of one rank, of ranks that
// exchange nothing, of more ranks than samples, and of what has no schedule (MPI's own) or none for the
// format.
scaling::Predictor predictor_of(const fs::path& profile, const fs::path& fabric_file) {
  if (!runtime::scale::can_predict())
    base::raise<base::EnvironmentError>(
        "--profile: this eightfold was built without SimGrid, which predicts; leave --profile out, or "
        "install "
        "libsimgrid-dev and build again");
  return
      [workload = runtime::scale::read_workload(profile), fabric = runtime::scale::read_fabric(fabric_file)](
          const runtime::scale::Point& point) -> std::optional<runtime::scale::Prediction> {
        const auto format = quant8::parse_format(point.codec);
        if (!format || point.ranks() == 1 || point.ranks() > point.global_batch) return std::nullopt;
        runtime::scale::Question question{point.nodes, point.ranks_per_node, *format, point.algorithm};
        if (question.algorithm == "auto")
          question.algorithm =
              comm::select_algorithm(*format, question.bucket_bytes,
                                     comm::Topology::uniform(point.nodes, point.ranks_per_node), nullptr)
                  .algorithm;
        if (!comm::is_allreduce(question.algorithm, *format)) return std::nullopt;
        const std::int64_t batch =
            (point.global_batch + point.ranks() - 1) / point.ranks();  // of the largest share
        return runtime::scale::predict(workload.with_batch(batch), fabric, question);
      };
}

// The file's name, or its path where others have the same name.
std::string name_of(const fs::path& file, const std::vector<fs::path>& files) {
  const auto same_name = [&](const fs::path& other) { return other.stem() == file.stem(); };
  return std::ranges::count_if(files, same_name) == 1 ? file.stem().string() : file.string();
}

// Files that somebody has joined would mix one job's points with another's.
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
      experiment.predict =
          predictor_of(options.profile, options.fabrics.empty() ? options.profile : options.fabrics[i]);
  }
  return experiments;
}

void write_report(const ReportOptions& options) {
  check_predictions(options);
  const ReportFiles files = files_of(options);
  const scaling::Report made = scaling::make_report(read_experiments(options));
  base::create_directories(files.page.parent_path(), base::Access::umask);
  base::write_output_file(files.page, made.html);
  base::write_output_file(files.csv, made.csv);
  for (const std::string& advice : made.advice) fmt::print("{}\n", advice);
  fmt::print("{}\n{}\n", files.page.string(), files.csv.string());
  flush_output();
}

}  // namespace

void add_scale_report(const Command& scale, Action& chosen) {
  auto options = std::make_shared<ReportOptions>();
  const Command command =
      scale.add_command("report", "Make an HTML page with plots, and a table, of what was measured");
  command.footer(
      "Several files of results are experiments to be compared: one job on several networks.\n"
      "  eightfold scale report results.jsonl --out report.html\n"
      "docs/scaling.md says how each figure is defined. The plots are drawn by gnuplot.");
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
                  "The network of the results, if not the profile's; one for each file, in their order")
      .type_name("FILE")
      .existing_file()
      .one_word();
  command.add_option("--predict-nodes", options->further_nodes, "Predict these numbers of nodes too")
      .type_name("N,N,...")
      .comma_separated()
      .positive();
  command.callback(
      [options, &chosen] { chosen = [options] { return alone([&] { write_report(*options); }); }; });
}

}  // namespace eightfold::launch
