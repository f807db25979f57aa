// The page: what it must hold, what it must never hold, and plots that gnuplot really draws.
#include "runtime/scale/report/page.hpp"

#include "kernels/base/error.hpp"
#include "runtime/scale/report/gnuplot.hpp"
#include "runtime/scale/report/html.hpp"
#include "runtime/scale/report/plots.hpp"
#include "runtime/scale/report/report.hpp"
#include "tests/runtime/scale/made_measurements.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <cstdlib>
#include <string_view>

using namespace eightfold;
using namespace eightfold::runtime::scale;
using namespace eightfold::runtime::scale::report;
using namespace eightfold::test;

namespace {

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++count;
  return count;
}

std::vector<Measurement> three_node_counts() {
  std::vector<Measurement> all;
  add(all, point(1, "none"), {10, 10.1});
  for (const int nodes : {2, 4}) {
    add(all, point(nodes, "fp32"), {40, 41});
    add(all, point(nodes, "bf16"), {25, 26});
    add(all, point(nodes, "dynamic-tree8"), {18, 19});
  }
  return all;
}

std::optional<Prediction> predict_20_ms(const Point& point) {
  if (point.codec == "none") return {};
  return Prediction{.algorithm = "two_shot", .step_s = 0.02};
}

// Stands in for gnuplot, so that what is looked at is the page's own.
std::string no_plot(const std::string&) {
  return "<svg viewBox=\"0 0 1 1\"><g id=\"gnuplot_canvas\"></g></svg>";
}

// Every element is closed in the order in which it was opened.
bool is_balanced(std::string_view markup) {
  std::vector<std::string_view> open;
  for (std::size_t at = 0; (at = markup.find('<', at)) != std::string_view::npos;) {
    const std::size_t end = markup.find('>', at);
    if (end == std::string_view::npos) return false;
    const std::string_view tag = markup.substr(at + 1, end - at - 1);
    at = end + 1;
    if (tag.starts_with('!') || tag.starts_with('?') || tag.ends_with('/')) continue;
    if (!tag.starts_with('/')) {
      open.push_back(tag.substr(0, tag.find_first_of(" \n\t")));
    } else if (open.empty() || open.back() != tag.substr(1)) {
      return false;
    } else {
      open.pop_back();
    }
  }
  return open.empty();
}

// Puts another PATH into the environment as long as it lives.
class OtherPath {
 public:
  explicit OtherPath(const std::string& path) : before_(std::getenv("PATH")) {
    ::setenv("PATH", path.c_str(), 1);
  }
  ~OtherPath() { ::setenv("PATH", before_.c_str(), 1); }
  OtherPath(const OtherPath&) = delete;  // two would restore out of order
  OtherPath& operator=(const OtherPath&) = delete;

 private:
  std::string before_;
};

}  // namespace

TEST_CASE("the page has plots, tables and the advice, and asks a browser for nothing") {
  const Report report = make_report(
      {{"net", three_node_counts(), predict_20_ms, {8}, "all nodes share 2 cores of one machine"}});
  const std::string html = html_of(report);
  CHECK(count_of(html, "<svg viewBox=") == 4);
  CHECK(count_of(html, "</svg>") == 4);
  CHECK(count_of(html, "<table>") == 2);
  CHECK(count_of(html, "http") == 0);
  CHECK(count_of(html, "<script") == 0);
  CHECK(count_of(html, "@import") == 0);
  CHECK(count_of(html, "src=") == 0);
  REQUIRE(report.advice.size() == 1);
  CHECK(count_of(html, html_text(report.advice[0])) == 1);
  REQUIRE(report.notes.size() == 2);
  for (const std::string& note : report.notes) CHECK(count_of(html, html_text(note)) == 1);
  CHECK(count_of(html, "Predictions: all nodes share 2 cores of one machine.") == 1);
  CHECK(count_of(html, "2 of 6 predictions are off by more than 25 %") == 1);
  CHECK(count_of(html, "2026-11-21 09:30:05 UTC") == 1);
  CHECK(count_of(html, "Medians of 2 repeats") == 1);
  CHECK(count_of(html, "1 rank, no exchange") >= 3);  // in the plots, the baseline and the table
  CHECK(count_of(html, "Speed-up refers to 1 rank, no exchange: ") == 1);
}

TEST_CASE("gnuplot draws every plot as well-formed SVG, and no two plots share a name") {
  const Summary summary = summarize({{"net", three_node_counts(), predict_20_ms, {8}}});
  const std::string html = page(summary, run_gnuplot);
  for (std::size_t at = 0; (at = html.find("<svg", at)) != std::string::npos; ++at) {
    const std::string svg = html.substr(at, html.find("</svg>", at) + 6 - at);
    CHECK(is_balanced(svg));
    CHECK(count_of(svg, "fp32") >= 1);
  }
  for (const std::string name : {"gnuplot_canvas", "gpPt0", "textbox"}) {
    CHECK(count_of(html, "id=\"" + name) + count_of(html, "id='" + name) == 0);
    CHECK(count_of(html, "p1-" + name) >= 1);
    CHECK(count_of(html, "p4-" + name) >= 1);
  }
}

TEST_CASE("strong and weak scaling have sections of their own, and so has every experiment") {
  std::vector<Measurement> all = three_node_counts();
  add(all, point(2, "bf16", BatchPolicy::strong), {20});
  const std::string html =
      page(summarize({{"slow", all, {}, {}}, {"fast", three_node_counts(), {}, {}}}), no_plot);
  CHECK(count_of(html, "<h2>slow: Weak scaling, 128 samples per rank, 1 rank per node</h2>") == 1);
  CHECK(count_of(html, "<h2>slow: Strong scaling, 512 samples in all, 1 rank per node</h2>") == 1);
  CHECK(count_of(html, "<h2>fast: Weak scaling, 128 samples per rank, 1 rank per node</h2>") == 1);
  CHECK(count_of(html, "There is no speed-up: nothing of this job was measured on one node") == 1);
}

TEST_CASE("the page lists what failed, with every different reason once") {
  std::vector<Measurement> all = three_node_counts();
  for (const int repeat : {0, 1, 2}) {
    add_failure(all, point(8, "fp32"), repeat == 2 ? "other" : "not over after 2min");
    all.back().repeat = repeat;
  }
  const std::string html = page(summarize({{"net", all, {}, {}}}), no_plot);
  CHECK(count_of(html, "What failed") == 1);
  CHECK(count_of(html, "<td class=\"number\">2</td><td class=\"free\">not over after 2min</td>") == 1);
  CHECK(count_of(html, "0 of 3") == 1);
}

TEST_CASE("a file without measurements makes a page that says so") {
  CHECK(count_of(html_of(make_report({{"net", {}, {}, {}}})), "The file holds no measurement.") == 1);
}

TEST_CASE("nothing in a file of results becomes markup or a command") {
  const std::string hostile =
      "<script>alert(\"1\")</script>'); system \"touch owned\"; `touch owned` @x\n\" & \\";
  std::vector<Measurement> all;
  Point wild = point(2, hostile);
  wild.algorithm = hostile;
  add(all, point(1, "none"), {10});
  add(all, wild, {20});
  wild.algorithm = "</svg>";
  add(all, wild, {20});
  add_failure(all, point(2, "fp32"), hostile);
  for (Measurement& measurement : all) {
    measurement.date = hostile;
    measurement.environment = R"({"<b>": "<script>", "hosts": "<script>"})";
  }
  const std::string html = html_of(make_report({{hostile, all, {}, {}}}));
  CHECK(count_of(html, "<script") == 0);
  CHECK(count_of(html, "<b>") == 0);
  CHECK(count_of(html, "&lt;script&gt;") >= 8);
  CHECK(count_of(html, "<svg") == count_of(html, "</svg>"));
  CHECK_FALSE(std::filesystem::exists("owned"));
}

TEST_CASE("text for gnuplot is one string, whatever it holds") {
  CHECK(gnuplot_text("plain") == "'plain'");
  CHECK(gnuplot_text("it's") == "'it''s'");
  CHECK(gnuplot_text("a\nb\x7F") == "'a b '");
  CHECK(gnuplot_text("\\\"`@") == "'\\\"`@'");
}

TEST_CASE("without gnuplot the error names the package") {
  const Scratch empty;
  const OtherPath path(empty.path().string());
  CHECK_THROWS_WITH(run_gnuplot("set terminal svg\n"),
                    "gnuplot, which draws the plots, is not installed: apt-get install gnuplot-nox");
}

TEST_CASE("what gnuplot does not take is an error in its words") {
  CHECK_THROWS_AS(run_gnuplot("set terminal svg\nplot nonsense(\n"), base::EnvironmentError);
  CHECK_THROWS_AS(run_gnuplot("set terminal svg\n"), base::EnvironmentError);
}
