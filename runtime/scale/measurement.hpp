#pragma once

// What `eightfold scale run` measures: points of an experiment, one line of JSON for every repeat of a point.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace eightfold::runtime::scale {

enum class BatchPolicy {
  strong,  // one global batch, dealt out over the ranks
  weak,    // so many samples for every rank
};

// One combination of what an experiment varies.
struct Point {
  int nodes = 1;
  int ranks_per_node = 1;
  std::string codec;      // "none": without an exchange
  std::string algorithm;  // as in exchange.algorithm
  BatchPolicy policy = BatchPolicy::weak;
  std::int64_t global_batch = 0;

  int ranks() const { return nodes * ranks_per_node; }
  friend bool operator==(const Point&, const Point&) = default;
  friend auto operator<=>(const Point&, const Point&) = default;
};

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
  std::string environment;  // a JSON object
};

// One line, without its end.
std::string measurement_line(const Measurement& measurement);

// Every complete line of the file. A last line without an end is what an interrupted run has left, and is
// left out. Throws DataError "FILE:LINE: what is wrong".
std::vector<Measurement> read_measurements(const std::filesystem::path& file);

}  // namespace eightfold::runtime::scale
