#pragma once

#include "runtime/scale/report/summary.hpp"

#include <string>

namespace eightfold::runtime::scale::report {

// One sentence. It names the number of nodes that does most work, or fewer if they do as much. For these it
// names the most precise codec that is as fast as the fastest, its gain, and the gain of more nodes. Work is
// samples per second; differences within the spread of the repeats do not count.
std::string advice(const PointGroup& group, const Summary& summary);

}  // namespace eightfold::runtime::scale::report
