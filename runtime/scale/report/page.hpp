#pragma once

#include "runtime/scale/report/summary.hpp"

#include <functional>
#include <string>

namespace eightfold::runtime::scale::report {

// Makes an SVG document out of a gnuplot script, as run_gnuplot does.
using Draws = std::function<std::string(const std::string& script)>;

// The report as one HTML page that needs nothing else: no script, and nothing that a browser would fetch.
std::string page(const Summary& summary, const Draws& draw);

}  // namespace eightfold::runtime::scale::report
