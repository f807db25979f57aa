#include "launch/supervise/options.hpp"

#include "tests/support/test.hpp"

#include <algorithm>

using namespace eightfold::launch;

TEST_CASE("ranks read a job from a pipe in the directory that the run gets, whatever name was planned") {
  supervise::LaunchPlan plan;
  plan.launcher.kind = process::LauncherKind::mpirun;
  plan.given_file = "/dev/stdin";
  plan.run_directory = "/runs/planned";
  const auto reads = [&](const std::string& file) {
    return plan.job_file() == file && std::ranges::count(plan.command({}, false), file) == 1;
  };
  CHECK(reads("/dev/stdin"));
  plan.job_text = "[job]";
  CHECK(reads("/runs/planned/job.toml"));
  plan.run_directory = "/runs/made";
  CHECK(reads("/runs/made/job.toml"));
}
