#pragma once

// The tables of the page, as HTML; empty where there is nothing to list.

#include "runtime/scale/report/summary.hpp"

#include <string>

namespace eightfold::runtime::scale::report {

std::string points_table(const PointGroup& group);
std::string failures_table(const PointGroup& group);
// Machine and software: every value that the measurements name.
std::string environment_table(const Summary& summary);

}  // namespace eightfold::runtime::scale::report
