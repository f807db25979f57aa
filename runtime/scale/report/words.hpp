#pragma once

// Numbers and names as the report prints them.

#include "runtime/scale/report/summary.hpp"

#include <string>
#include <vector>

namespace eightfold::runtime::scale::report {

// Three significant digits but no more than three decimals, never an exponent: "0.051", "5.12", "51.2",
// "5123".
std::string figure(double value);
// "1.52 times": how many times as fast.
std::string times(double ratio);

// "1 node", "3 nodes".
std::string count(int number, const std::string& singular);
// "2", "2 and 4", "1, 2 and 4".
std::string list(const std::vector<int>& numbers);

// "dynamic-tree8", or "dynamic-tree8, ring" if the summary has the codec with several algorithms. "no
// exchange", or "1 rank, no exchange" if only single ranks ran without one.
std::string label(const Series& series, const Summary& summary);

// "Weak scaling, 128 samples per rank, 2 ranks per node"; the experiment's name in front where there are
// several.
std::string title(const PointGroup& group, const Summary& summary);

}  // namespace eightfold::runtime::scale::report
