#include "runtime/scale/report/gnuplot.hpp"
#include "runtime/scale/report/plot_style.hpp"
#include "runtime/scale/report/plots.hpp"
#include "runtime/scale/report/words.hpp"

#include <algorithm>

namespace eightfold::runtime::scale::report {
namespace {

constexpr int kRowHeight = 21;
constexpr int kRest = 112;  // what the axis, its label and the key take

// Rows from the top down, the first at 0; every number of nodes has a row for its heading.
struct Row {
  double y = 0;
  const PointSummary* point = nullptr;
};

struct Rows {
  std::vector<Row> points;
  std::string preamble;
  double last_y = 0;
};

template <class Selects>
Rows lay_out(const PointGroup& group, const Summary& summary, const Selects& selects) {
  Rows rows;
  std::string names, headings;
  int nodes = 0;
  double y = 0;
  for (const PointSummary& point : group.points) {
    if (!selects(point)) continue;
    if (point.point.nodes != nodes) {
      nodes = point.point.nodes;
      y -= nodes == 0 ? 0 : 1.15;
      headings += fmt::format("set label {} at first 0,{} offset 0.6,0 left font 'Helvetica:Bold,13'\n",
                              gnuplot_text(count(nodes, "node")), y);
    }
    y -= 1;
    names += fmt::format("{}{} {}", names.empty() ? "" : ", ",
                         gnuplot_text(label(series_of(point.point), summary)), y);
    rows.points.push_back({y, &point});
  }
  rows.last_y = y;
  rows.preamble = fmt::format(
      "{}set ytics ({}) scale 0\nset yrange [{}:{}]\n{}set xlabel 'step, ms' offset 0,0.4\n"
      "set grid xtics lc rgb '#dddddd' lw 1 dt 1\n",
      plot_preamble(kRest + static_cast<int>(-y * kRowHeight)), names, y - 0.8, -0.4, headings);
  return rows;
}

// Room at the right for the figures behind bars and marks.
std::string width_axis(double most) {
  return fmt::format("set xrange [0:{}]\n", most * 1.25);
}

Plot breakdown_plot(const PointGroup& group, const Summary& summary) {
  const Rows rows =
      lay_out(group, summary, [](const PointSummary& point) { return point.step_ms.has_value(); });
  constexpr double kHalf = 0.36;
  double most = 0;
  std::string data = "$rows << END\n";
  for (const auto& [y, point] : rows.points) {
    const auto& [compute, communication, codec] = point->breakdown;
    most = std::max(most, point->step_ms->median);
    data += fmt::format("{} {} {} {} {} {} \"{}\"\n", y, compute, compute + communication,
                        point->step_ms->median, y - kHalf, y + kHalf, figure(point->step_ms->median));
  }
  data += "END\n";
  return {"What a step consists of",
          "Bars: computing, exposed communication and codec, in milliseconds, for every point",
          rows.preamble + width_axis(most) + data +
              "set key maxrows 1 samplen 1.5\n"
              "plot $rows using 2:1:(0):2:5:6 with boxxyerror lc rgb '#0072B2' fs solid border lc rgb "
              "'#000000' title 'compute', \\\n"
              "  $rows using 3:1:2:3:5:6 with boxxyerror lc rgb '#E69F00' fs solid border lc rgb '#000000' "
              "title 'exposed communication', \\\n"
              "  $rows using 4:1:3:4:5:6 with boxxyerror lc rgb '#000000' fs pattern 4 border lc rgb "
              "'#000000' title 'codec', \\\n"
              "  $rows using 4:1:7 with labels left offset 0.6,0 notitle\n"};
}

Plot prediction_plot(const PointGroup& group, const Summary& summary) {
  const Rows rows =
      lay_out(group, summary, [](const PointSummary& point) { return point.prediction.has_value(); });
  double most = 0;
  std::string measured, predicted;
  for (const auto& [y, point] : rows.points) {
    const double step_ms = 1e3 * point->prediction->step_s;
    double end = step_ms;
    std::string remark = figure(step_ms) + " ms";
    if (const auto& step = point->step_ms) {
      end = std::max(end, step->most);
      remark = fmt::format("{:+.1f} %", 100 * *point->prediction_error());
      measured += fmt::format("{} {} {} {}\n", step->median, y, step->least, step->most);
    }
    most = std::max(most, end);
    predicted += fmt::format("{} {} {} \"{}\"\n", step_ms, y, end, remark);
  }
  std::string plots =
      "plot $predicted using 1:2 with points pt 12 ps 1.1 lw 1.8 lc rgb '#D55E00' title 'predicted', \\\n"
      "  $predicted using 3:2:4 with labels left offset 1.3,0 notitle";
  if (!measured.empty())
    plots +=
        ", \\\n  $measured using 1:2:3:4 with xerrorbars pt 7 ps 0.7 lw 1.5 lc rgb '#000000' title "
        "'measured, least to most'";
  return {"Predicted beside measured",
          "Predicted and measured step times in milliseconds, and the error of the prediction",
          rows.preamble + width_axis(most) + "$measured << END\n" + measured + "END\n$predicted << END\n" +
              predicted + "END\n" + plots + "\n"};
}

}  // namespace

std::vector<Plot> row_plots(const PointGroup& group, const Summary& summary) {
  std::vector<Plot> plots;
  const auto has = [&](auto PointSummary::*member) {
    return std::ranges::any_of(group.points,
                               [&](const PointSummary& point) { return (point.*member).has_value(); });
  };
  if (has(&PointSummary::step_ms)) plots.push_back(breakdown_plot(group, summary));
  if (has(&PointSummary::prediction)) plots.push_back(prediction_plot(group, summary));
  return plots;
}

}  // namespace eightfold::runtime::scale::report
