#pragma once

// Notes on the limits of the predictions of a group.

#include "runtime/scale/report/summary.hpp"

#include <string>
#include <vector>

namespace eightfold::runtime::scale::report {

// A prediction that is further off a measurement is noted: a profile and its own network do much better.
inline constexpr double kLargeError = 0.25;

// Sentences; none where there is nothing to say.
std::vector<std::string> notes(const PointGroup& group, const Summary& summary);

}  // namespace eightfold::runtime::scale::report
