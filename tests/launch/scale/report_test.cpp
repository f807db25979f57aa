// eightfold scale report, from files of results to a page and a table.
#include "runtime/scale/prediction.hpp"
#include "tests/launch/refusals.hpp"
#include "tests/runtime/scale/made_measurements.hpp"
#include "tests/support/test.hpp"

#include <filesystem>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

std::string results() {
  std::vector<runtime::scale::Measurement> all;
  add(all, point(1, "none"), {10, 10.1});
  add(all, point(2, "fp32"), {40, 41});
  add(all, point(2, "bf16"), {25, 26});
  add(all, point(2, "dynamic-tree8"), {18, 19});
  std::string lines;
  for (const auto& measurement : all) lines += measurement_line(measurement) + "\n";
  return lines;
}

// A job of 3 ms a step on a fast network, taken on two nodes of one machine.
const std::string kProfile = R"([workload]
name = "small"
device = "host"
batch = 128
[memory]
bytes_per_s = 1e10
[[layer]]
name = "all"
parameters = 1000
forward_ms = 1
backward_ms = 2
[fabric]
name = "measured"
[network]
bytes_per_s = 1e9
latency_us = 10
[machine]
cores = 2
)";

const Preparation kResults = [](const Scratch& here) { here.file("r.jsonl", results()); };

Words report(const Words& more) {
  Words all = {"scale", "report", "r.jsonl"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

TEST_CASE("scale report makes a page and a table, and says its advice") {
  const Scratch here;
  kResults(here);
  const Finished finished = run_program(report({"--out", "new/directory"}), 0, here.path());
  CHECK(lines_with(finished.out, "With 2 nodes on this network use dynamic-tree8: 2.19 times as fast as fp32")
            .size() == 1);
  CHECK(contents_of(here / "new/directory/report.html").starts_with("<!DOCTYPE html>"));
  CHECK(contents_of(here / "new/directory/report.csv").starts_with("experiment,policy,nodes,"));

  run_program(report({"--out", "page.html", "--csv", "t.csv"}), 0, here.path());
  CHECK(fs::exists(here / "page.html"));
  CHECK(fs::exists(here / "t.csv"));
  CHECK_FALSE(fs::exists(here / "page.csv"));

  run_program(report({"--out", "loud.HTML"}), 0, here.path());
  CHECK(contents_of(here / "loud.HTML").starts_with("<!DOCTYPE html>"));
  CHECK(fs::exists(here / "loud.csv"));
}

TEST_CASE("without gnuplot there is no page, but the advice and the table") {
  const Scratch here;
  kResults(here);
  const Finished finished = run(program(report({"--out", "p.html"}), 0, here.path(), {{"PATH", "/nowhere"}}));
  CHECK(finished.status == 3);
  CHECK(lines_with(finished.err, "p.html is not written, only the table is: gnuplot").size() == 1);
  CHECK(lines_with(finished.out, "With 2 nodes on this network use dynamic-tree8").size() == 1);
  CHECK(contents_of(here / "p.csv").starts_with("experiment,policy,nodes,"));
  CHECK_FALSE(fs::exists(here / "p.html"));
}

TEST_CASE("a prediction that is far off is said") {
  if (!runtime::scale::can_predict()) return;
  const Scratch here;
  kResults(here);
  here.file("profile.toml", kProfile);
  const Finished finished =
      run_program(report({"--out", "p.html", "--profile", "profile.toml"}), 0, here.path());
  CHECK(lines_with(finished.out, "Note: Predictions: all nodes share 2 cores of one machine.").size() == 1);
  CHECK(lines_with(finished.out, "Note: 3 of 3 predictions are off by more than 25 %").size() == 1);
  const Finished own =
      run_program(report({"--out", "p.html", "--profile", "profile.toml", "--own-hosts"}), 0, here.path());
  CHECK(lines_with(own.out, "share 2 cores").empty());
}

TEST_CASE("scale report compares experiments, each under its own name") {
  const Scratch here;
  kResults(here);
  here.file("fast.jsonl", results());
  const Finished finished = run_program(report({"fast.jsonl", "--out", "p.html"}), 0, here.path());
  CHECK(lines_with(finished.out, "r: Weak scaling").size() == 1);
  CHECK(lines_with(finished.out, "fast: Weak scaling").size() == 1);
}

TEST_CASE("what scale report refuses") {
  check_refusals({
      {"no results", report({"--out", "p.html"}), 2, {"r.jsonl"}},
      {"no --out", report({}), 2, {"--out"}, kResults},
      {"results that are something else",
       report({"--out", "p.html"}),
       4,
       {"r.jsonl:1", "experiment"},
       [](const Scratch& here) { here.file("r.jsonl", "{}\n"); }},
      {"a directory that is not there",
       report({"--out", "nowhere/p.html"}),
       2,
       {"--out", "nowhere"},
       kResults},
      {"the table in place of the page",
       report({"--out", "p.html", "--csv", "p.html"}),
       2,
       {"--csv"},
       kResults},
      {"a fabric without a profile",
       report({"--out", "p.html", "--fabric", "r.jsonl"}),
       2,
       {"--profile"},
       kResults},
      {"one network for the results of two",
       report({"r.jsonl", "--out", "p.html", "--profile", "r.jsonl"}),
       2,
       {"2 files of results, 0 of fabrics", "--fabric FILE"},
       kResults},
      {"hosts of their own, and no predictions",
       report({"--out", "p.html", "--own-hosts"}),
       2,
       {"--own-hosts", "--profile"},
       kResults},
      {"no gnuplot",
       report({"--out", "p.html"}),
       3,
       {"gnuplot", "apt-get install gnuplot-nox"},
       kResults,
       0,
       false,
       {{"PATH", "/nowhere"}}},
  });
}
