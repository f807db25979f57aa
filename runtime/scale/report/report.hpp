#pragma once

// The report about measured and predicted scaling: docs/scaling.md explains it.

#include "runtime/scale/report/summary.hpp"

#include <string>
#include <vector>

namespace eightfold::runtime::scale::report {

struct Report {
  Summary summary;
  std::string csv;
  // By group, its title in front where there are several; of notes a group has any number.
  std::vector<std::string> advice, notes;
};

Report make_report(const std::vector<Experiment>& experiments);
// Throws EnvironmentError where gnuplot is missing.
std::string html_of(const Report& report);

}  // namespace eightfold::runtime::scale::report
