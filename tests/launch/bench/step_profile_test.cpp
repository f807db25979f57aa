// bench step --profile on one node; tests/launch/netcluster_test.sh takes one of two.
#include "tests/launch/program.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <filesystem>

using namespace eightfold::test;

TEST_CASE("a profile has the layers and the codecs of a job, and no fabric where there is no network") {
  const Scratch here;
  here.file("job.toml", kTinyJob);
  for (const int ranks : {1, 2}) {
    const Finished finished = run_program(
        {"bench", "step", "job.toml", "--steps", "3", "--warmup", "1", "--profile", "profile.toml"}, ranks,
        here.path());
    CAPTURE(ranks, finished.err);
    const std::string profile = contents_of(here / "profile.toml");
    CAPTURE(profile);
    CHECK(lines_with(profile, "[[layer]]").size() == 3);  // two of them linear, with a dropout between
    CHECK(lines_with(profile, "parameters = 0").size() == 1);
    CHECK(lines_with(profile, "[[codec]]").size() == 11);
    CHECK(lines_with(profile, "[fabric]").empty());
    CHECK(lines_with(finished.err, "no fabric is written").size() == 1);
  }
}

TEST_CASE("a profile is of the step without an exchange") {
  const Scratch here;
  here.file("job.toml", kTinyJob);
  const Finished finished =
      run(program({"bench", "step", "job.toml", "--profile", "profile.toml", "--exchange", "codec=fp32"}, 1,
                  here.path()));
  CHECK(finished.status == 2);
  CHECK(lines_with(finished.err, "leave out --exchange").size() == 1);
  CHECK_FALSE(std::filesystem::exists(here.path() / "profile.toml"));
}
