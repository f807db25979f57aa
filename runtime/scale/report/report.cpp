#include "runtime/scale/report/report.hpp"

#include "runtime/scale/report/advice.hpp"
#include "runtime/scale/report/csv.hpp"
#include "runtime/scale/report/gnuplot.hpp"
#include "runtime/scale/report/notes.hpp"
#include "runtime/scale/report/page.hpp"
#include "runtime/scale/report/words.hpp"

namespace eightfold::runtime::scale::report {

Report make_report(const std::vector<Experiment>& experiments) {
  Report report{summarize(experiments), {}, {}, {}};
  const Summary& summary = report.summary;
  report.csv = csv(summary);
  for (const PointGroup& group : summary.groups) {
    const std::string of = summary.groups.size() > 1 ? title(group, summary) + ": " : "";
    report.advice.push_back(of + advice(group, summary));
    for (const std::string& note : notes(group, summary)) report.notes.push_back(of + note);
  }
  return report;
}

std::string html_of(const Report& report) {
  return page(report.summary, run_gnuplot);
}

}  // namespace eightfold::runtime::scale::report
