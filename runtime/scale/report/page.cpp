#include "runtime/scale/report/page.hpp"

#include "runtime/scale/report/advice.hpp"
#include "runtime/scale/report/crossover.hpp"
#include "runtime/scale/report/gnuplot.hpp"
#include "runtime/scale/report/html.hpp"
#include "runtime/scale/report/notes.hpp"
#include "runtime/scale/report/page_style.hpp"
#include "runtime/scale/report/page_tables.hpp"
#include "runtime/scale/report/plots.hpp"
#include "runtime/scale/report/words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace eightfold::runtime::scale::report {
namespace {

std::string paragraph(const std::string& text) {
  return fmt::format("<p>{}</p>\n", html_text(text));
}

// "2026-11-21 09:30:05 UTC" of a stamp "2026-11-21T09-30-05Z"; anything else as it is.
std::string readable(std::string date) {
  constexpr std::string_view kForm = "####-##-##T##-##-##Z";
  const auto fits = [](char c, char form) { return form == '#' ? c >= '0' && c <= '9' : c == form; };
  if (!std::ranges::equal(date, kForm, fits)) return date;
  return fmt::format("{} {}:{}:{} UTC", date.substr(0, 10), date.substr(11, 2), date.substr(14, 2),
                     date.substr(17, 2));
}

std::string about(const Summary& summary) {
  std::vector<std::string> names;
  for (const PointGroup& group : summary.groups)
    if (names.empty() || names.back() != group.experiment) names.push_back(group.experiment);
  const std::string first = readable(summary.first_date), last = readable(summary.last_date);
  const std::string when = first.empty()   ? "at a time unknown"
                           : first == last ? first
                                           : fmt::format("from {} to {}", first, last);
  return fmt::format("{}; measured {}.", fmt::join(names, ", "), when);
}

std::string advice_box(const Summary& summary) {
  std::string html = "<div class=\"advice\">\n";
  for (const PointGroup& group : summary.groups) {
    const std::string of = summary.groups.size() == 1 ? ""
                                                      : fmt::format("<span class=\"of\">{}</span>",
                                                                    html_text(title(group, summary)));
    html += fmt::format("<p>{}{}</p>\n", of, html_text(advice(group, summary)));
  }
  if (summary.groups.empty()) html += "<p>The file holds no measurement.</p>\n";
  return html + "</div>\n";
}

std::string crossover_list(const PointGroup& group) {
  std::string html;
  for (const Crossover& crossover : crossovers(group))
    html += fmt::format("<li>{}</li>\n", html_text(crossover.words));
  return html.empty() ? ""
                      : "<div><h3>Where compression stops paying</h3>\n<ul>\n" + html + "</ul>\n</div>\n";
}

// Plots and, in the next free place beside or below them, the crossovers. The names inside a plot begin with
// the plot's number, so that no two plots of a page share one.
std::string figures(const PointGroup& group, const Summary& summary, const Draws& draw, int& plots_so_far) {
  std::string html;
  std::vector<Plot> plots = line_plots(group, summary);
  for (Plot& plot : row_plots(group, summary)) plots.push_back(std::move(plot));
  for (const Plot& plot : plots) {
    const std::string prefix = fmt::format("p{}-", ++plots_so_far);
    html += fmt::format("<figure><h3>{}</h3>\n{}</figure>\n", html_text(plot.title),
                        inline_svg(draw(plot.script), prefix, plot.description));
  }
  return fmt::format("<div class=\"plots\">\n{}{}</div>\n", html, crossover_list(group));
}

std::string baseline_words(const PointGroup& group, const Summary& summary) {
  if (!group.baseline)
    return "There is no speed-up: nothing of this job was measured on one node, to which it would refer.";
  const auto& [point, step_ms] = *group.baseline;
  const std::string what =
      point.ranks() == 1
          ? "1 rank, no exchange"
          : fmt::format("{} on one node, {}", count(point.ranks(), "rank"), label(series_of(point), summary));
  return fmt::format("Speed-up refers to {}: {} ms for {} samples.", what, figure(step_ms),
                     point.global_batch);
}

std::string repeats_words(const PointGroup& group) {
  if (group.most_repeats() == 0) return "Nothing was measured successfully.";
  const std::string number = group.least_repeats() == group.most_repeats()
                                 ? fmt::format("{}", group.most_repeats())
                                 : fmt::format("{} to {}", group.least_repeats(), group.most_repeats());
  return fmt::format("Medians of {} {}, with the least and the most of them.", number,
                     group.most_repeats() == 1 ? "repeat" : "repeats");
}

std::string group_html(const PointGroup& group, const Summary& summary, const Draws& draw,
                       int& plots_so_far) {
  std::string html = fmt::format("<section>\n<h2>{}</h2>\n", html_text(title(group, summary)));
  html += paragraph(repeats_words(group) + " " + baseline_words(group, summary));
  for (const std::string& note : notes(group, summary)) html += paragraph(note);
  html += figures(group, summary, draw, plots_so_far);
  return html + points_table(group) + failures_table(group) + "</section>\n";
}

constexpr std::string_view kDefinitions = R"(<section>
<h2>How to read this</h2>
<dl>
<dt>Step</dt><dd>The median over the repeats of the time of one training step; the range in parentheses goes from the
fastest repeat to the slowest. Two steps differ where their ranges have nothing in common; otherwise they are the same
&#8220;within the spread&#8221;.</dd>
<dt>Compute, exposed communication, codec</dt><dd>They sum to the step. <em>Compute</em> is the slowest rank&#8217;s step without
waiting for the exchange. Encoding and decoding that goes on meanwhile, hidden under it, is part of it and counted nowhere
else. Of the waiting that remains, <em>codec</em> is what encoding and decoding can fill, at most all of the time they take
on one rank, and <em>exposed communication</em> the rest: the codec&#8217;s part is an upper bound. How long a rank encodes
and decodes altogether, hidden or not, is its own column.</dd>
<dt>Speed-up</dt><dd>Samples per second over those of the baseline: the measured point of the same batch policy and batch
with the fewest ranks on one node, without an exchange if there is such a point, else the fastest. One rank exchanges
nothing, and is one point whatever the codecs. The ideal is the number of ranks over the baseline&#8217;s.</dd>
<dt>Efficiency</dt><dd>Speed-up over its ideal.</dd>
<dt>Work, in the advice</dt><dd>Samples per second. The advice is about time alone: it takes the number of nodes that does
most, fewer if they do as much, and there the most precise codec that is as fast as the fastest.</dd>
<dt>Error of a prediction</dt><dd>How much longer than the measured median the predicted step is.</dd>
</dl>
</section>
)";

}  // namespace

std::string page(const Summary& summary, const Draws& draw) {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>Scaling report</title>\n<style>{}</style>\n</head>\n<body>\n<h1>Scaling report</h1>\n"
      "<p class=\"about\">{}</p>\n{}",
      kPageStyle, html_text(about(summary)), advice_box(summary));
  int plots_so_far = 0;
  for (const PointGroup& group : summary.groups) html += group_html(group, summary, draw, plots_so_far);
  return html + std::string(kDefinitions) + environment_table(summary) + "</body>\n</html>\n";
}

}  // namespace eightfold::runtime::scale::report
