#pragma once

#include "runtime/scale/report/summary.hpp"

#include <string>

namespace eightfold::runtime::scale::report {

// One sentence: the number of nodes that does most work, fewer where they do as much; there the most precise
// codec that is as fast as the fastest; what that gains, and what more nodes would. Work is samples per
// second; differences within the spread of the repeats do not count.
std::string advice(const PointGroup& group, const Summary& summary);

}  // namespace eightfold::runtime::scale::report
