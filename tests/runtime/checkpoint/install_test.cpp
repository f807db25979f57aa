// What a crash leaves aside while a checkpoint gets its name, and what becomes of it.
#include "runtime/checkpoint/store.hpp"
#include "tests/runtime/checkpoint/stores.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <filesystem>
#include <fstream>

using namespace eightfold;
using namespace eightfold::runtime::checkpoint;

namespace fs = std::filesystem;

TEST_CASE("what a crashed writer left aside is removed by the next save, other things are not") {
  const test::Scratch scratch;
  fs::create_directories(scratch / ".tmp-123-step-00000009/deep");
  scratch.file(".tmp-123-step-00000009/deep/weights.safetensors", "half");
  fs::create_directory(scratch / "notes");
  scratch.file("step-notes.txt", "mine");
  save_step(scratch.path(), 1);
  CHECK_FALSE(fs::exists(scratch / ".tmp-123-step-00000009"));
  CHECK(fs::exists(scratch / "notes"));
  CHECK(fs::exists(scratch / "step-notes.txt"));
  CHECK(steps_in(scratch.path()) == Steps{1});
}

TEST_CASE(
    "of two checkpoints that a crash left aside while one replaced the other, the newer whole one stays") {
  const auto restored = [](bool old_is_whole, bool new_is_whole, const fs::path& store) {
    const fs::path old = store / ".tmp-123-replaced", draft = store / ".tmp-123-step-00000002";
    save_step(store, 1);
    fs::rename(save_step(store, 2), old);
    fs::copy(old, draft, fs::copy_options::recursive);
    if (!old_is_whole) fs::remove(old / kWeightsFile);
    if (!new_is_whole) fs::remove(draft / kWeightsFile);
    std::ofstream(draft / "new") << "";
    const Store owner(store);
    return steps_in(store);
  };
  const test::Scratch scratch;
  const fs::path both = scratch / "both", first = scratch / "first", second = scratch / "second";
  CHECK(restored(true, true, both) == Steps{1, 2});
  CHECK(fs::exists(both / "step-00000002/new"));
  CHECK(restored(true, false, first) == Steps{1, 2});
  CHECK_FALSE(fs::exists(first / "step-00000002/new"));
  CHECK(restored(false, true, second) == Steps{1, 2});
  CHECK(restored(false, false, scratch / "neither") == Steps{1});
  for (const fs::path& store : {both, first, second}) {
    CHECK(holds_step(store / "step-00000002", 2));
    save_step(store, 3);
    CHECK(steps_in(store) == Steps{2, 3});
    CHECK(std::distance(fs::directory_iterator(store), fs::directory_iterator()) == 2);
  }
}

TEST_CASE("a draft aside that replaced nothing is no checkpoint, whole or not") {
  const test::Scratch scratch;
  save_step(scratch.path(), 1);
  fs::rename(save_step(scratch.path(), 2), scratch / ".tmp-123-step-00000002");
  const Store owner(scratch.path());
  CHECK(steps_in(scratch.path()) == Steps{1});
}
