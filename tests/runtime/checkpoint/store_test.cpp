#include "runtime/checkpoint/store.hpp"

#include "kernels/base/error.hpp"
#include "tests/runtime/checkpoint/stores.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <csignal>
#include <fstream>

using namespace eightfold;
using namespace eightfold::runtime::checkpoint;

namespace fs = std::filesystem;

namespace {

// In the middle of the file; of a manifest that is a digit of a hash.
void flip_bit(const fs::path& file) {
  std::string bytes = test::contents_of(file);
  char& middle = bytes.at(bytes.size() / 2);
  middle = static_cast<char>(middle ^ 1);
  std::ofstream(file, std::ios::binary) << bytes;
}

// While it lives, writes beyond so many bytes of a file fail, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : action_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limited{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limited);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, action_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;  // it is a scope
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*action_)(int);
};

}  // namespace

TEST_CASE("a saved checkpoint has its manifest, weights, optimizer and config") {
  const test::Scratch scratch;
  const fs::path saved = save_step(scratch / "a/b/store", 100);
  CHECK(saved == scratch / "a/b/store/step-00000100");
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(saved)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"config.toml", "manifest.json", "optimizer.safetensors",
                                          "weights.safetensors"});
  const Found found = find(saved);
  CHECK(found.manifest.step == 100);
  CHECK(found.manifest.files.size() == 3);
  CHECK(holds_step(found.directory, 100));
}

TEST_CASE("a checkpoint is its owner's alone") {
  const test::Scratch scratch;
  const fs::path saved = save_step(scratch / "store", 1);
  const auto others = fs::perms::group_all | fs::perms::others_all;
  CHECK((fs::status(scratch / "store").permissions() & others) == fs::perms::none);
  CHECK((fs::status(saved).permissions() & others) == fs::perms::none);
  CHECK((fs::status(saved / kWeightsFile).permissions() & others) == fs::perms::none);
}

TEST_CASE("saving keeps the newest `keep` and removes the rest") {
  const test::Scratch scratch;
  for (const std::int64_t step : {10, 20, 30, 40}) save_step(scratch.path(), step, 3);
  CHECK(steps_in(scratch.path()) == Steps{20, 30, 40});
  save_step(scratch.path(), 50, 1);
  CHECK(steps_in(scratch.path()) == Steps{50});
}

TEST_CASE("steps are ordered by number, also beyond eight digits") {
  const test::Scratch scratch;
  save_step(scratch.path(), 99999999, 5);
  save_step(scratch.path(), 100000000, 5);
  CHECK(steps_in(scratch.path()) == Steps{99999999, 100000000});
  CHECK(newest(scratch.path())->manifest.step == 100000000);
}

TEST_CASE("saving the same step again replaces it") {
  const test::Scratch scratch;
  save_step(scratch.path(), 1);
  save_step(scratch.path(), 2);
  Saved again(2);
  again.values[0] = 123;
  save(scratch.path(), again.contents(), 2);
  CHECK(steps_in(scratch.path()) == Steps{1, 2});
  std::vector<float> values(Saved::kCount);
  SafetensorsFile(find(scratch.path()).directory / kWeightsFile)
      .read("w", kernels::host_tensor(std::span(values), kernels::Shape{Saved::kCount}));
  CHECK(values == again.values);
}

TEST_CASE("a draft with what each rank has for itself becomes a checkpoint that lists and verifies it") {
  const test::Scratch scratch;
  std::vector<float> residual = {1, -0.0F, 3};
  const auto tensor = kernels::host_tensor(std::span(residual), kernels::Shape{3});
  const Found found = [&] {
    Store store(scratch.path());
    const Saved saved(5);
    Draft draft(store, saved.contents());
    for (const int rank : {0, 1}) {
      residual[0] = static_cast<float>(rank);
      draft.add_residual(rank, tensor);
    }
    return find(draft.publish(2));
  }();
  CHECK(residuals(found.manifest) == 2);
  CHECK(residuals(find(save_step(scratch.path(), 6)).manifest) == 0);
  SafetensorsFile(found.directory / "residual-00000.safetensors").read("residual.rank0", tensor);
  CHECK(residual == std::vector<float>{0, -0.0F, 3});
  CHECK(std::signbit(residual[1]));
  flip_bit(found.directory / residual_file(1));
  CHECK_THROWS_AS(find(found.directory), base::DataError);
}

TEST_CASE("a draft that is not published leaves nothing") {
  const test::Scratch scratch;
  const Saved saved(5);
  {
    Store store(scratch.path());
    const Draft draft(store, saved.contents());
  }
  CHECK(fs::is_empty(scratch.path()));
}

TEST_CASE("an entry that the system says nothing about is listed as damaged") {
  const test::Scratch scratch;
  // Its path is too long for a system call, that of the folder is not.
  fs::path folder = scratch.path();
  while (folder.native().size() + 251 < PATH_MAX - 8) folder /= std::string(250, 'd');
  folder /= std::string(PATH_MAX - 8 - folder.native().size() - 1, 'd');
  fs::create_directories(folder);
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  REQUIRE(descriptor >= 0);
  REQUIRE(::mkdirat(descriptor, "step-00000001", 0700) == 0);
  ::close(descriptor);
  const std::vector<Listed> all = list(folder);
  REQUIRE(all.size() == 1);
  CHECK_FALSE(all[0].manifest);
  CHECK(all[0].problem == all[0].directory.string() + ": File name too long");
}

TEST_CASE("a link that is named like a checkpoint is neither followed, counted nor removed") {
  const test::Scratch scratch;
  const fs::path elsewhere = save_step(scratch / "elsewhere", 9), store = scratch / "store";
  save_step(store, 1);
  fs::create_directory_symlink(elsewhere, store / "step-00000009");
  CHECK(steps_in(store) == Steps{1, -1});
  CHECK(newest(store)->manifest.step == 1);
  save_step(store, 2, 2);
  CHECK(steps_in(store) == Steps{1, 2, -1});
  CHECK(holds_step(elsewhere, 9));
}

TEST_CASE("a save puts a checkpoint in the place of a link, and leaves alone what the link points to") {
  const test::Scratch scratch;
  const fs::path elsewhere = save_step(scratch / "elsewhere", 1), store = scratch / "store";
  for (const fs::path& target : {elsewhere, scratch / "nowhere"}) {
    fs::create_directories(store);
    fs::create_directory_symlink(target, store / "step-00000002");
    save_step(store, 2);
    CHECK(holds_step(store / "step-00000002", 2));
    CHECK(std::distance(fs::directory_iterator(store), fs::directory_iterator()) == 1);
    fs::remove_all(store);
  }
  CHECK(holds_step(elsewhere, 1));
}

TEST_CASE("leftovers are removed without following links, at the top or within") {
  const test::Scratch scratch;
  const fs::path elsewhere = save_step(scratch / "elsewhere", 1), store = scratch / "store";
  fs::create_directories(store / ".tmp-1-step-00000003");
  fs::create_directory_symlink(elsewhere, store / ".tmp-2-step-00000003");
  fs::create_directory_symlink(elsewhere, store / ".tmp-1-step-00000003/deeper");
  fs::create_symlink(elsewhere / kWeightsFile, store / ".tmp-1-step-00000003/weights.safetensors");
  save_step(store, 3);
  CHECK(std::distance(fs::directory_iterator(store), fs::directory_iterator()) == 1);
  CHECK(holds_step(elsewhere, 1));
}

TEST_CASE("a checkpoint that does not fit the free space is refused before anything is written") {
  const test::Scratch scratch;
  save_step(scratch.path(), 1);
  Contents contents = Saved(2).contents();
  contents.residual_bytes = std::uint64_t{1} << 62;
  try {
    save(scratch.path(), contents, 2);
    FAIL("accepted");
  } catch (const base::EnvironmentError& error) {
    const std::string text = error.what();
    CHECK(text.starts_with("no space in " + scratch.path().string() + ": "));
    const std::uint64_t bytes =
        contents.config.size() + 2 * Saved::kCount * sizeof(float) + contents.residual_bytes;
    CHECK(text.ends_with(fmt::format(" bytes are free, a checkpoint needs {}", bytes + bytes / 10)));
  }
  CHECK(steps_in(scratch.path()) == Steps{1});
  CHECK(std::distance(fs::directory_iterator(scratch.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("what is verified is what is read, whatever takes its name meanwhile") {
  const test::Scratch scratch;
  const Found found = find(save_step(scratch.path(), 1));
  const SafetensorsFile opened = open_file(found, kWeightsFile);
  fs::remove(found.directory / kWeightsFile);
  fs::copy(save_step(scratch / "other", 2) / kWeightsFile, found.directory / kWeightsFile);
  std::vector<float> values(Saved::kCount);
  opened.read("w", kernels::host_tensor(std::span(values), kernels::Shape{Saved::kCount}));
  CHECK(values == Saved(1).values);
  CHECK_THROWS_AS(open_file(found, kWeightsFile), base::DataError);
  CHECK_THROWS_AS(open_file(found, "elsewhere"), base::DataError);
}

TEST_CASE("the newest passes over damaged ones, whatever is damaged") {
  const std::pair<const char*, void (*)(const fs::path&)> damages[] = {
      {"with a flipped bit", flip_bit},
      {"a link to an equal file",
       [](const fs::path& file) {
         fs::rename(file, file.parent_path().parent_path() / "moved");
         fs::create_symlink("../moved", file);
       }},
      {"a pipe",
       [](const fs::path& file) {
         fs::remove(file);
         ::mkfifo(file.c_str(), 0600);
       }},
      {"too short for a header", [](const fs::path& file) { fs::resize_file(file, 3); }},
      {"a header that claims to be 2^63 bytes long",
       [](const fs::path& file) {
         std::string bytes = test::contents_of(file);
         bytes.replace(0, 8, std::string(7, '\0') + '\x80');
         std::ofstream(file, std::ios::binary) << bytes;
       }},
      {"cut short", [](const fs::path& file) { fs::resize_file(file, fs::file_size(file) / 2); }},
      {"missing", [](const fs::path& file) { fs::remove(file); }},
  };
  for (const char* file : {"manifest.json", "weights.safetensors", "optimizer.safetensors", "config.toml"}) {
    for (const auto& [name, damage] : damages) {
      INFO(file << " " << name);
      const test::Scratch scratch;
      save_step(scratch.path(), 1);
      const fs::path damaged = save_step(scratch.path(), 2);
      damage(damaged / file);
      const std::optional<Found> found = newest(scratch.path());
      REQUIRE(found);
      CHECK(found->manifest.step == 1);
      CHECK(find(scratch.path()).manifest.step == 1);
      CHECK_THROWS_AS(find(damaged), base::DataError);
    }
  }
}

TEST_CASE("a damaged checkpoint does not count among those that are kept") {
  const test::Scratch scratch;
  save_step(scratch.path(), 1);
  fs::remove(save_step(scratch.path(), 2) / "manifest.json");
  save_step(scratch.path(), 3, 2);
  CHECK(newest(scratch.path())->manifest.step == 3);
  CHECK(holds_step(scratch / "step-00000001", 1));
}

TEST_CASE("a store without a checkpoint, or none at all, has no newest") {
  const test::Scratch scratch;
  CHECK_FALSE(newest(scratch.path()));
  CHECK_FALSE(newest(scratch / "missing"));
}

TEST_CASE("a store of damaged checkpoints is an error: nobody should start afresh without knowing") {
  const test::Scratch scratch;
  fs::remove(save_step(scratch.path(), 1) / "manifest.json");
  flip_bit(save_step(scratch.path(), 2) / kWeightsFile);
  CHECK(steps_in(scratch.path()) == Steps{-1, 2});
  try {
    newest(scratch.path());
    FAIL("accepted");
  } catch (const base::DataError& error) {
    CHECK(std::string(error.what()) ==
          scratch.path().string() + ": 2 checkpoints there, none whole; remove all to start afresh");
  }
}

TEST_CASE("a checkpoint whose manifest does not list all of its files is damaged") {
  const test::Scratch scratch;
  const fs::path saved = save_step(scratch.path(), 1);
  Manifest manifest = read_manifest(saved);
  manifest.files.erase(manifest.files.begin());
  write_manifest(saved, manifest);
  try {
    find(saved);
    FAIL("accepted");
  } catch (const base::DataError& error) {
    CHECK(std::string(error.what()) == saved.string() + ": its manifest does not list weights.safetensors");
  }
}

TEST_CASE("training that went back to an older step leaves the later ones behind") {
  const test::Scratch scratch;
  for (const std::int64_t step : {10, 20, 30}) save_step(scratch.path(), step, 3);
  save_step(scratch.path(), 15, 3);
  CHECK(steps_in(scratch.path()) == Steps{10, 15});
  save_step(scratch.path(), 10, 3);
  CHECK(steps_in(scratch.path()) == Steps{10});
}

TEST_CASE("find takes a checkpoint, a store or a run directory, and says what it takes") {
  const test::Scratch scratch;
  const fs::path saved = save_step(scratch / "run/checkpoints", 3);
  CHECK(find(saved).directory == saved);
  CHECK(find(scratch / "run/checkpoints").directory == saved);
  CHECK(find(scratch / "run").directory == saved);
  const auto complaint = [](const fs::path& path) -> std::string {
    try {
      find(path);
      return "accepted";
    } catch (const base::DataError& error) {
      return std::string(error.what()).substr(path.string().size());
    }
  };
  CHECK(complaint(scratch / "elsewhere") == ": there is nothing of this name");
  fs::create_directory(scratch / "elsewhere");
  CHECK(complaint(scratch / "elsewhere") ==
        ": no complete checkpoint there; name a checkpoint (step-...), a folder of them or a run directory");
}

TEST_CASE("a save that fails half-way says where and leaves nothing behind") {
  const test::Scratch scratch;
  save_step(scratch.path(), 1);
  std::string problem;
  {
    const FileSizeLimit limit(1000);  // less than the weights
    try {
      save_step(scratch.path(), 2);
    } catch (const base::EnvironmentError& error) {
      problem = error.what();
    }
  }
  CHECK(problem.starts_with("cannot write " + (scratch / ".tmp-").string()));
  CHECK(problem.ends_with("/weights.safetensors: File too large"));
  CHECK(steps_in(scratch.path()) == Steps{1});
  CHECK(std::distance(fs::directory_iterator(scratch.path()), fs::directory_iterator()) == 1);
  CHECK(holds_step(scratch / "step-00000001", 1));
}

TEST_CASE("a store that cannot be made is an environment error, once something is to be written") {
  Store store("/dev/null/store");
  CHECK_THROWS_AS(store.hold(), base::EnvironmentError);
  CHECK_THROWS_AS(save_step("/dev/null/store", 1), base::EnvironmentError);
}
