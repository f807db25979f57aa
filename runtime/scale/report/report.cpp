#include "runtime/scale/report/report.hpp"

#include "runtime/scale/report/advice.hpp"
#include "runtime/scale/report/csv.hpp"
#include "runtime/scale/report/gnuplot.hpp"
#include "runtime/scale/report/page.hpp"
#include "runtime/scale/report/words.hpp"

namespace eightfold::runtime::scale::report {

Report make_report(const std::vector<Experiment>& experiments) {
  const Summary summary = summarize(experiments);
  Report report{page(summary, run_gnuplot), csv(summary), {}};
  for (const Section& section : summary.sections)
    report.advice.push_back((summary.sections.size() > 1 ? title(section, summary) + ": " : "") +
                            advice(section, summary));
  return report;
}

}  // namespace eightfold::runtime::scale::report
