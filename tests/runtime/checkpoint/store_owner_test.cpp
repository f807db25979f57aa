#include "kernels/base/error.hpp"
#include "kernels/base/owner_file.hpp"
#include "runtime/checkpoint/store.hpp"
#include "tests/runtime/checkpoint/stores.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <iterator>

using namespace eightfold;
using namespace eightfold::runtime::checkpoint;

namespace fs = std::filesystem;

TEST_CASE("a store has one owner, and a second is told who that is") {
  const test::Scratch scratch;
  const fs::path path = scratch / "store";
  {
    const Store store(path);
    try {
      const Store second(path);
      FAIL("accepted");
    } catch (const base::InUseError& error) {
      CHECK(std::string(error.what())
                .starts_with(fmt::format("{}: in use by process {} on ", path.string(), ::getpid())));
    }
    CHECK(list(path).empty());  // who reads asks nobody
  }
  CHECK_FALSE(fs::exists(path));  // made for nothing
  { const Store again(path); }
  save_step(path, 1);
  CHECK(std::distance(fs::directory_iterator(path), fs::directory_iterator()) == 1);
}

TEST_CASE("a checkpoint that was neither found nor written stays, however old or new, and in its place") {
  const test::Scratch scratch;
  const fs::path path = scratch / "store";
  for (const std::int64_t step : {5, 10}) save_step(path, step);
  const auto write = [](Store& store, std::int64_t step) {
    const Saved saved(step);
    Draft(store, saved.contents()).publish(2);
  };
  Store store(path);
  for (const std::int64_t step : {1, 40, 90})
    fs::rename(save_step(scratch / "other", step, 9), path / fmt::format("step-{:08}", step));
  for (const std::int64_t step : {20, 30, 50}) write(store, step);
  CHECK(steps_in(path) == Steps{1, 30, 40, 50, 90});
  try {
    write(store, 90);
    FAIL("accepted");
  } catch (const base::EnvironmentError& error) {
    CHECK(std::string(error.what()) ==
          (path / "step-00000090").string() + " is there: another process has written it");
  }
  CHECK(steps_in(path) == Steps{1, 30, 40, 50, 90});
  CHECK(holds_step(path / "step-00000090", 90));
}

TEST_CASE("nothing is written to a store that another process has taken, or has written to meanwhile") {
  const test::Scratch scratch;
  const fs::path path = scratch / "store";
  const Saved saved(20);
  Store store(path);
  fs::remove(path / "owner.json");
  Draft(store, saved.contents()).publish(2);
  CHECK(fs::exists(path / "owner.json"));  // taken again
  {
    Draft draft(store, saved.contents());
    const base::OwnerFile other(scratch / "other.json", "the store");
    fs::rename(scratch / "other.json", path / "owner.json");
    CHECK_THROWS_AS(draft.publish(2), base::InUseError);
    CHECK_THROWS_AS(Draft(store, saved.contents()), base::InUseError);
    fs::remove(path / "owner.json");
  }
  fs::rename(save_step(scratch / "other", 30), path / "step-00000030");
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      Draft(store, saved.contents()).publish(2);
      FAIL("accepted");
    } catch (const base::EnvironmentError& error) {
      CHECK(std::string(error.what()) ==
            (path / "step-00000030").string() + ": another process has written it meanwhile");
    }
  }
  CHECK(steps_in(path) == Steps{20, 30});
}
