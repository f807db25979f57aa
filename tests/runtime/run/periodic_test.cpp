// The order in which a run's jobs between steps act, and how often.
#include "runtime/run/periodic.hpp"

#include "tests/support/test.hpp"

#include <string>

using eightfold::runtime::run::Periodic;
using eightfold::runtime::run::PeriodicJobs;

namespace {

Periodic::Due every(std::int64_t interval) {
  return [interval](std::int64_t done) { return done % interval == 0; };
}

// What three jobs wrote down in a run of `steps` steps, as "report 2".
std::string written(std::int64_t first, std::int64_t steps) {
  std::string all;
  const auto writes = [&all](std::string name) {
    return [&all, name](std::int64_t done) { all += name + " " + std::to_string(done) + "; "; };
  };
  PeriodicJobs jobs({{.act = writes("report"), .after_step = every(2), .at_end = Periodic::always},
                     {.act = writes("evaluate"), .at_start = every(3), .after_step = every(3)},
                     {.act = writes("save"), .after_step = every(3), .at_end = Periodic::always}});
  jobs.at_start(first);
  for (std::int64_t done = first + 1; done <= steps; ++done) jobs.after_step(done);
  jobs.at_end(steps);
  return all;
}

}  // namespace

TEST_CASE("jobs that are due at the same step act in the order of the list") {
  CHECK(written(1, 6) == "report 2; evaluate 3; save 3; report 4; report 6; evaluate 6; save 6; ");
}

TEST_CASE("at the end a job acts unless it has just acted, and only if it is due at the end") {
  CHECK(written(1, 3) == "report 2; evaluate 3; save 3; report 3; ");
  CHECK(written(1, 4) == "report 2; evaluate 3; save 3; report 4; save 4; ");
}

TEST_CASE("without a step a job acts at the start and at the end") {
  CHECK(written(3, 3) == "evaluate 3; report 3; save 3; ");
  CHECK(written(2, 2) == "report 2; save 2; ");
}
