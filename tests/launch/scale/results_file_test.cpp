#include "launch/scale/results_file.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::launch;
using runtime::scale::Measurement;

namespace {

Measurement measured(int repeat) {
  return {
      {1, 1, "fp32", "ring", runtime::scale::BatchPolicy::weak, 8}, repeat, "today", {}, "broken", "{}", "x"};
}

}  // namespace

TEST_CASE("results are appended behind those that are there") {
  const test::Scratch scratch;
  scale::ResultsFile(scratch / "r.jsonl").append(measured(0));
  scale::ResultsFile file(scratch / "r.jsonl");
  REQUIRE(file.recover().size() == 1);
  file.append(measured(1));
  CHECK(file.recover().size() == 2);
}

TEST_CASE("a torn line is cut off, wherever it was torn") {
  const std::string line = measurement_line(measured(0)) + "\n";
  for (std::size_t length = 1; length < line.size(); length += 7) {
    const test::Scratch scratch;
    const auto path = scratch.file("r.jsonl", line + line.substr(0, length));
    scale::ResultsFile file(path);
    CHECK(file.recover().size() == 1);
    CHECK(test::contents_of(path) == line);
    file.append(measured(1));
    CHECK(file.recover().size() == 2);
  }
}

TEST_CASE("a file of something else stays as it is") {
  const std::string line = measurement_line(measured(0)) + "\n";
  for (const std::string& text : {std::string("[job]"), std::string("[job]\n"), line + "{\"a\":1}",
                                  std::string("{\"rows\":[]}\n"), line + "\n"}) {
    CAPTURE(text);
    const test::Scratch scratch;
    const auto path = scratch.file("r.jsonl", text);
    scale::ResultsFile file(path);
    CHECK_THROWS_AS(file.recover(), base::DataError);
    CHECK(test::contents_of(path) == text);
  }
}

TEST_CASE("a file of results is one process's at a time") {
  const test::Scratch scratch;
  {
    const scale::ResultsFile first(scratch / "r.jsonl");
    CHECK_THROWS_AS(scale::ResultsFile(scratch / "r.jsonl"), base::EnvironmentError);
  }
  CHECK_NOTHROW(scale::ResultsFile(scratch / "r.jsonl"));
  CHECK_THROWS_AS(scale::ResultsFile(scratch / "none/r.jsonl"), base::EnvironmentError);
}
