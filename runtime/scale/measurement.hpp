#pragma once

// The measurements of `eightfold scale run`: points of an experiment, one line of JSON per repeat of a point.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::runtime::scale {

// The name in place of a codec, and of an algorithm, where nothing is exchanged.
inline constexpr std::string_view kNoExchange = "none";

enum class BatchPolicy {
  strong,  // one global batch, dealt out over the ranks
  weak,    // so many samples for every rank
};

std::string_view to_string(BatchPolicy policy);
std::optional<BatchPolicy> parse_batch_policy(std::string_view name);

// One combination of the values that an experiment varies.
struct Point {
  int nodes = 1;
  int ranks_per_node = 1;
  std::string codec;      // "none": without an exchange
  std::string algorithm;  // as in exchange.algorithm; "none" with the codec "none"
  BatchPolicy policy = BatchPolicy::weak;
  std::int64_t global_batch = 0;

  int ranks() const { return nodes * ranks_per_node; }
  friend bool operator==(const Point&, const Point&) = default;
  friend auto operator<=>(const Point&, const Point&) = default;
};

// The point that is measured for it. One rank exchanges nothing with any codec and algorithm, and without a
// codec there is no algorithm.
Point measured_as(Point point);

// Milliseconds; the keys of `bench step`.
struct StepFigures {
  double step_ms = 0;
  double compute_ms = 0;
  double exposed_ms = 0;
  double bound_ms = 0;
  double codec_ms = 0;
  double samples_per_s = 0;
};

// One repeat of a point, or why there is none.
struct Measurement {
  Point point;
  int repeat = 0;  // from 0
  std::string date;
  std::optional<StepFigures> figures;
  std::string failure;      // empty if there are figures
  std::string environment;  // a JSON object, {} of a failure
  // What was measured: the job and how, the same for all that may be compared.
  std::string experiment;
};

// One line, without its end.
std::string measurement_line(const Measurement& measurement);
// The first keys of every line.
inline constexpr std::string_view kMeasurementStart = R"({"experiment":")";

// Every complete line of the file. A last line without an end is what an interrupted run has left, and is
// left out. If a repeat of a point occurs again, the later line replaces the first. Files written before one
// rank was one point have its step under every codec: all become repeats of it. Throws DataError "FILE:LINE:
// what is wrong", EnvironmentError when the file cannot be read.
std::vector<Measurement> read_measurements(const std::filesystem::path& file);

// Reads the single row of a file of `bench step --json FILE`. Throws DataError, EnvironmentError.
struct StepResult {
  StepFigures figures;
  std::string environment;   // a JSON object
  int ranks = 0, nodes = 0;  // that it was measured on
};
StepResult read_step_result(const std::filesystem::path& file);

}  // namespace eightfold::runtime::scale
