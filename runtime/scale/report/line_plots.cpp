#include "runtime/scale/report/gnuplot.hpp"
#include "runtime/scale/report/plot_style.hpp"
#include "runtime/scale/report/plots.hpp"
#include "runtime/scale/report/words.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace eightfold::runtime::scale::report {
namespace {

constexpr int kHeight = 340;
constexpr double kMargin = 0.15;  // left and right of the outermost numbers of nodes

struct Mark {
  double nodes_log2 = 0;
  Spread value;
};

struct Line {
  std::string label, colour, style;
  std::vector<Mark> marks;
};

constexpr std::array kColours = {"#000000", "#E69F00", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"};
constexpr std::array kDashes = {"1", "(10,4)", "1", "(3,3)", "(10,3,2,3)"};
constexpr std::array kMarks = {5, 9, 7, 12, 11, 4, 8, 6};

// Of the series at this place among those that exchange.
Line line_at(std::size_t place) {
  return {{},
          kColours[place % kColours.size()],
          fmt::format("dt {} pt {}", kDashes[place % kDashes.size()], kMarks[place % kMarks.size()]),
          {}};
}

template <class Value>
std::vector<Line> lines_of(const PointGroup& group, const Summary& summary, const Value& value) {
  std::vector<Line> lines;
  std::size_t place = 0;
  for (const Series& series : summary.series) {
    const bool is_idle = bits_of_codec(series.codec) == 0;
    Line line = is_idle ? Line{{}, "#777777", "dt (2,4) pt 2", {}} : line_at(place++);
    line.label = label(series, summary);
    for (const PointSummary& point : group.points)
      if (point.speedup && series_of(point.point) == series)
        line.marks.push_back({std::log2(point.point.nodes), value(point)});
    if (!line.marks.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

std::string data_of(const std::vector<Line>& lines) {
  std::string script;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    script += fmt::format("$line{} << END\n", i);
    for (const auto& [x, value] : lines[i].marks)
      script += fmt::format("{} {} {} {}\n", x, value.median, value.least, value.most);
    script += "END\n";
  }
  return script;
}

// The ideal, then of every line the spread of its points and the line.
std::string plot_command(const std::vector<Line>& lines) {
  std::string script = "plot $ideal using 1:2 with lines lc rgb '#000000' lw 1 dt 1 title 'ideal'";
  for (std::size_t i = 0; i < lines.size(); ++i)
    script += fmt::format(
        ", \\\n  $line{0} using 1:2:3:4 with yerrorbars lc rgb '{1}' dt 1 ps 0 lw 1.2 notitle, "
        "$line{0} using 1:2 with linespoints lc rgb '{1}' {2} ps 0.8 lw 2.2 title {3}",
        i, lines[i].colour, lines[i].style, gnuplot_text(lines[i].label));
  return script + "\n";
}

std::string nodes_axis(const std::set<int>& nodes) {
  std::string tics;
  for (const int number : nodes)
    tics += fmt::format("{}'{}' {}", tics.empty() ? "" : ", ", number, std::log2(number));
  return fmt::format("set xtics ({})\nset xrange [{}:{}]\nset xlabel 'nodes' offset 0,0.4\n", tics,
                     std::log2(*nodes.begin()) - kMargin, std::log2(*nodes.rbegin()) + kMargin);
}

// The numbers of nodes that were measured.
std::set<int> measured_nodes(const PointGroup& group) {
  std::set<int> nodes;
  for (const PointSummary& point : group.points)
    if (point.speedup) nodes.insert(point.point.nodes);
  return nodes;
}

double ranks_over_baseline(const PointGroup& group, int nodes) {
  return static_cast<double>(nodes * group.ranks_per_node) / group.baseline->point.ranks();
}

// `ideal` is the value at a number of nodes; `scale` sets the other axis, given its least and largest value.
template <class Ideal, class Scale>
std::string script_of(const PointGroup& group, const std::vector<Line>& lines, const Ideal& ideal,
                      const Scale& scale) {
  const std::set<int> nodes = measured_nodes(group);
  const int fewest = *nodes.begin(), most_nodes = *nodes.rbegin();
  double least = std::min(ideal(fewest), ideal(most_nodes)),
         most = std::max(ideal(fewest), ideal(most_nodes));
  for (const Line& line : lines)
    for (const Mark& mark : line.marks) {
      least = std::min(least, mark.value.least);
      most = std::max(most, mark.value.most);
    }
  return fmt::format(
      "{}{}{}set grid ytics lc rgb '#dddddd' lw 1 dt 1\n$ideal << END\n{} {}\n{} {}\nEND\n{}{}",
      plot_preamble(kHeight), nodes_axis(nodes), scale(least, most), std::log2(fewest), ideal(fewest),
      std::log2(most_nodes), ideal(most_nodes), data_of(lines), plot_command(lines));
}

Plot speedup_plot(const PointGroup& group, const Summary& summary) {
  const auto ideal = [&](int nodes) { return ranks_over_baseline(group, nodes); };
  const auto scale = [](double least, double most) {
    return fmt::format(
        "set logscale y 2\nset yrange [{}:{}]\nset format y '%g'\nset ylabel 'speed-up, times' offset 1,0\n",
        least / 1.15, most * 1.15);
  };
  const auto speedup = [](const PointSummary& point) { return *point.speedup; };
  return {"Speed-up over nodes", "Speed-up over the number of nodes, a line per codec, and the ideal",
          script_of(group, lines_of(group, summary, speedup), ideal, scale)};
}

Plot efficiency_plot(const PointGroup& group, const Summary& summary) {
  const auto efficiency = [&](const PointSummary& point) {
    const double percent = 100 / ranks_over_baseline(group, point.point.nodes);
    return Spread{percent * point.speedup->median, percent * point.speedup->least,
                  percent * point.speedup->most};
  };
  const auto ideal = [](int) { return 100.0; };
  const auto scale = [](double, double most) {
    return fmt::format("set yrange [0:{}]\nset ytics 20\nset ylabel 'efficiency, %' offset 1,0\n",
                       most * 1.06);
  };
  return {"Efficiency over nodes", "Efficiency over the number of nodes, a line per codec",
          script_of(group, lines_of(group, summary, efficiency), ideal, scale)};
}

}  // namespace

std::vector<Plot> line_plots(const PointGroup& group, const Summary& summary) {
  if (measured_nodes(group).size() < 2) return {};
  return {speedup_plot(group, summary), efficiency_plot(group, summary)};
}

}  // namespace eightfold::runtime::scale::report
