#pragma once

#include "runtime/scale/report/summary.hpp"

#include <string>

namespace eightfold::runtime::scale::report {

// One record per point with all its numbers, empty where there are none, after one with the names of the
// fields; RFC 4180. Numbers have all their digits.
std::string csv(const Summary& summary);

}  // namespace eightfold::runtime::scale::report
