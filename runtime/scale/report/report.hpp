#pragma once

// The report about measured and predicted scaling: docs/scaling.md explains it.

#include "runtime/scale/report/summary.hpp"

#include <string>
#include <vector>

namespace eightfold::runtime::scale::report {

struct Report {
  std::string html, csv;
  std::vector<std::string> advice;  // by section, its title in front where there are several
};

// Throws EnvironmentError where gnuplot is missing.
Report make_report(const std::vector<Experiment>& experiments);

}  // namespace eightfold::runtime::scale::report
