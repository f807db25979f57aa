// eightfold scale report, from files of results to a page and a table.
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
