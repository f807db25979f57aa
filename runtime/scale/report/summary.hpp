#pragma once

// Summarises an experiment's repeats, point by point, for the page, the table and the advice.

#include "runtime/scale/measurement.hpp"
#include "runtime/scale/prediction.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace eightfold::runtime::scale::report {

// Nothing for a point that cannot be predicted, such as one without an exchange.
using Predictor = std::function<std::optional<Prediction>(const Point&)>;

// One file of results: one job on one network.
struct Experiment {
  std::string name;
  std::vector<Measurement> measurements;  // of the same point and repeat the last counts: it was tried again
  Predictor predict;                      // empty: no predictions
  std::vector<int> further_nodes;         // to predict beside what was measured
  std::string shared_cores = {};          // by nodes of the predictions, as shared_cores() says it
};

// Over repeats.
struct Spread {
  double median = 0, least = 0, most = 0;
};

enum class Comparison { faster, same, slower };
// Of step times. The same: their ranges from least to most have something in common.
Comparison compare(const Spread& first, const Spread& second);

// Milliseconds that sum to the median step. `compute` is the computing of the slowest rank, with all encoding
// and decoding that it hides. The remaining wait is divided. `codec` is the part that encoding and decoding
// can fill, at most all of their time. `communication` is the rest.
struct StepBreakdown {
  double compute = 0, communication = 0, codec = 0;
};
StepBreakdown breakdown_of(double step_ms, double compute_ms, double codec_ms);

struct PointSummary {
  Point point;
  int repeats = 0;                    // that have figures
  std::vector<std::string> failures;  // of the others
  // Nothing if the point has no repeat.
  std::optional<Spread> step_ms;
  StepFigures medians;
  StepBreakdown breakdown;
  // Samples per second over the baseline's; nothing without one.
  std::optional<Spread> speedup;
  double efficiency = 0;  // the median speed-up over how many times as many ranks
  std::optional<Prediction> prediction;

  // Samples per second, from step times or, if nothing was measured, from the prediction.
  Spread throughput() const;
  // The predicted step over the measured one, minus 1; nothing unless there are both.
  std::optional<double> prediction_error() const;
};

// The reference of speed-ups: the point of the group on one node with the fewest ranks. It is the one without
// an exchange if that was measured, as one rank always is, else the fastest.
struct Baseline {
  Point point;
  double step_ms = 0;
};

// Points that are compared with each other, a section of the page: one batch policy, one batch, one number of
// ranks per node.
struct PointGroup {
  std::string experiment;
  BatchPolicy policy = BatchPolicy::weak;
  double batch = 0;  // strong: of all ranks together; weak: of each
  int ranks_per_node = 1;
  std::optional<Baseline> baseline;
  std::vector<PointSummary> points;  // by nodes, then series
  std::string shared_cores;          // the experiment's

  std::set<int> node_counts() const;
  // The least and the largest number of repeats of points that were measured; 0 if none was.
  int least_repeats() const;
  int most_repeats() const;
};

// One line of a plot.
struct Series {
  std::string codec, algorithm;
  friend bool operator==(const Series&, const Series&) = default;
};
Series series_of(const Point& point);

struct Summary {
  std::vector<PointGroup> groups;
  std::vector<Series> series;  // of all groups, the most precise codecs first
  std::string first_date, last_date;
  // Every value that a key had, and every host. Keys that are part of each point are left out.
  std::map<std::string, std::set<std::string>> environment;
};

Summary summarize(const std::vector<Experiment>& experiments);

// Bits of a number on the wire; 0 without an exchange, nothing for a name that no codec has.
std::optional<int> bits_of_codec(const std::string& codec);

}  // namespace eightfold::runtime::scale::report
