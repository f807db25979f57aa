#include "runtime/run/run_directory.hpp"

#include "runtime/job/parse.hpp"
#include "runtime/job/show.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fstream>

using namespace eightfold;
using namespace eightfold::runtime;

namespace fs = std::filesystem;

namespace {

// A directory that looks like a run's, with a checkpoint unless `steps` is empty.
fs::path make_run(const fs::path& directory, const std::string& steps = "step-00000001") {
  fs::create_directories(directory / "checkpoints" / steps);
  std::ofstream(directory / "config.resolved.toml") << "";
  return directory;
}

config::JobConfig job_in(const test::Scratch& scratch) {
  config::JobConfig job;
  job.job.run_dir = scratch.path().string();
  job.job.name = "name";
  return job;
}

}  // namespace

TEST_CASE("of the runs of one second the newest is the last by number, not by letters") {
  const test::Scratch scratch;
  const config::JobConfig job = job_in(scratch);
  const fs::path folder = scratch / "name", stamp = folder / "2026-11-21T10-16-28Z";
  CHECK_FALSE(run::newest_run(job));
  const auto expect = [&](const fs::path& run) {
    CHECK(run::newest_run(job) == run);
    CHECK(run::checkpoints_at(folder) == run / "checkpoints");
  };
  expect(make_run(stamp));
  for (const char* number : {"-2", "-9", "-10", "-11", "-100"}) expect(make_run(stamp.string() + number));
  make_run(folder / "2026-11-21T10-16-27Z-101");
  expect(stamp.string() + "-100");
  expect(make_run(folder / "2026-11-21T10-16-29Z"));
  make_run(folder / "2026-11-21T10-16-30Z", "");                                      // nothing to go on from
  fs::create_directories(folder / "2026-11-21T10-16-31Z/checkpoints/step-00000001");  // no run
  expect(folder / "2026-11-21T10-16-29Z");
}

TEST_CASE("a place of checkpoints is named as one of them, their folder, their run or its folder") {
  const test::Scratch scratch;
  const fs::path run = make_run(scratch / "name/2026-11-21T10-16-28Z"), store = run / "checkpoints";
  for (const fs::path& named : {scratch / "name", run, store}) CHECK(run::checkpoints_at(named) == store);
  const fs::path one = store / "step-00000001";
  scratch.file("name/2026-11-21T10-16-28Z/checkpoints/step-00000001/manifest.json", "");
  CHECK(run::checkpoints_at(one) == one);
  for (const fs::path& none : {scratch.path(), scratch / "nowhere", one / "manifest.json"})
    CHECK(run::checkpoints_at(none) == none);
  for (const auto& held_by : {run::run_with_store(store), run::run_of(one)}) {
    REQUIRE(held_by);
    CHECK(fs::equivalent(*held_by, run));
  }
  CHECK_FALSE(run::run_with_store(scratch / "checkpoints"));
  CHECK_FALSE(run::run_of(scratch / "store/step-00000001"));
}

TEST_CASE("a run that keeps its checkpoints elsewhere is followed there, from its folder too") {
  const test::Scratch scratch;
  const fs::path run = make_run(scratch / "name/2026-11-21T10-16-28Z", ""), store = scratch / "kept";
  config::JobConfig job =
      job::parse_job("[job]\nname = \"x\"\n[[model.layer]]\nkind = \"linear\"\nout = 10\n", "job.toml", {})
          .config;
  job.checkpoint.dir = store.string();
  std::ofstream(run / "config.resolved.toml") << job::resolved_toml(job);
  CHECK(run::checkpoints_at(run) == store);  // gone or not made yet: a message names it
  fs::create_directories(store / "step-00000001");
  for (const fs::path& named : {run, scratch / "name", store}) CHECK(run::checkpoints_at(named) == store);
}
