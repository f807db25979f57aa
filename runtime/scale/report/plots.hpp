#pragma once

// The plots of a group, as scripts for gnuplot. Colours are those of Okabe and Ito, which people with
// colour blindness can tell apart. For print without colour, lines also differ in marks and dashes, bars in
// pattern.

#include "runtime/scale/report/summary.hpp"

#include <string>
#include <vector>

namespace eightfold::runtime::scale::report {

struct Plot {
  std::string title;
  std::string description;  // for those who do not see it
  std::string script;
};

// Over the numbers of nodes, a line for each series. Without two points on a line there is no plot, nor where
// the group has no baseline.
std::vector<Plot> line_plots(const PointGroup& group, const Summary& summary);

// A row for each point: what the step consists of and, where there are predictions, those beside what was
// measured.
std::vector<Plot> row_plots(const PointGroup& group, const Summary& summary);

}  // namespace eightfold::runtime::scale::report
