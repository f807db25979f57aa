// A checkpoint is measured by what it has learnt, whatever lies beside the test samples, and goes on with the
// data that it knows.
#include "runtime/checkpoint/store.hpp"
#include "runtime/data/idx.hpp"
#include "tests/launch/program.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;
namespace checkpoint = runtime::checkpoint;
using runtime::data::IdxArray;

namespace {

const char* const kImages = "train-images-idx3-ubyte";
const char* const kLabels = "train-labels-idx1-ubyte";
const char* const kTestImages = "t10k-images-idx3-ubyte";

// The tiny job on generated digits in the IDX files of data/, trained: its result.
struct Trained : Scratch {
  std::map<std::string, std::string> result;

  explicit Trained(const std::string& more = "") {
    std::string job = kTinyJob;
    const std::string digits = "kind = \"digits\"\ntrain = 640\ntest = 200";
    job.replace(job.find(digits), digits.size(), "kind = \"idx\"\n" + more);
    file("job.toml", job);
    run_program({"data", "digits", "data", "--train", "640", "--test", "200"}, 0, path());
    result = result_of(run_program({"train", "job.toml"}, 0, path()));
  }
  Finished evaluated(std::vector<std::string> more = {}, int ranks = 0) const {
    more.insert(more.begin(), {"evaluate", result.at("run_dir")});
    return run(program(more, ranks, path()));
  }
  Finished resumed(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"train", "job.toml", "--resume", "--set", "job.epochs=5"};
    words.insert(words.end(), more.begin(), more.end());
    return run(program(words, 0, path()));
  }
  fs::path checkpoint() const { return path() / result.at("run_dir") / "checkpoints/step-00000030"; }
  // Makes every training image darker, as another data set is.
  void darken() const {
    IdxArray images = runtime::data::read_idx(path() / "data" / kImages, 3);
    for (std::uint8_t& value : images.values) value /= 4;
    runtime::data::write_idx(path() / "data" / kImages, images);
  }
};

bool same_score(const Finished& evaluated, const std::map<std::string, std::string>& trained) {
  auto result = result_of(evaluated);
  return result["test_accuracy"] == trained.at("test_accuracy") &&
         result["test_loss"] == trained.at("test_loss") && result["weight_hash"] == trained.at("weight_hash");
}

// Changes a file of a checkpoint, and its manifest accordingly; an empty text removes it.
void replace_file(const fs::path& directory, const std::string& name, const std::string& contents) {
  checkpoint::Manifest manifest = checkpoint::read_manifest(directory);
  const auto listed = std::ranges::find(manifest.files, name, &checkpoint::Manifest::File::name);
  REQUIRE(listed != manifest.files.end());
  if (contents.empty()) {
    fs::remove(directory / name);
    manifest.files.erase(listed);
  } else {
    std::ofstream(directory / name, std::ios::binary) << contents;
    *listed = {name, contents.size(), base::hash_file(directory / name)};
  }
  checkpoint::write_manifest(directory, manifest);
}

Finished refused(const Finished& finished, int code, const std::vector<std::string>& words) {
  INFO(finished.out << finished.err);
  CHECK(finished.status == code);
  const auto lines = lines_with(finished.err, "error: ");
  CHECK(lines.size() == 1);
  for (const std::string& word : words) {
    INFO("missing: " << word);
    CHECK((!lines.empty() && lines.front().find(word) != std::string::npos));
  }
  return finished;
}

}  // namespace

TEST_CASE("evaluation opens the test files alone: other training files, or none, change nothing") {
  const Trained trained;
  CHECK(same_score(trained.evaluated(), trained.result));
  trained.darken();
  CHECK(same_score(trained.evaluated(), trained.result));
  fs::remove(trained / "data" / kImages);
  fs::remove(trained / "data" / kLabels);
  CHECK(same_score(trained.evaluated(), trained.result));
  // Without test files it says what it wants, as it does of a run that was moved away from its data.
  fs::rename(trained / "data", trained / "elsewhere");
  refused(trained.evaluated(), 4,
          {"data/t10k-images-idx3-ubyte: no such file", "--set data.dir=DIR", "eightfold data digits DIR"});
  CHECK(same_score(trained.evaluated({"--set", "data.dir=elsewhere"}), trained.result));
}

TEST_CASE("evaluation takes any test files that fit, and names those that do not") {
  const Trained trained;
  run_program({"data", "digits", "other", "--seed", "7", "--train", "1", "--test", "500"}, 0, trained.path());
  auto other = result_of(trained.evaluated({"--set", "data.dir=other"}));
  CHECK(other["test_loss"] != trained.result.at("test_loss"));
  CHECK(std::stod(other["test_accuracy"]) > 0.5);
  IdxArray labels = runtime::data::read_idx(trained / "other/t10k-labels-idx1-ubyte", 1);
  labels.values[41] = 10;
  runtime::data::write_idx(trained / "other/t10k-labels-idx1-ubyte", labels);
  refused(trained.evaluated({"--set", "data.dir=other"}), 4,
          {"other/t10k-labels-idx1-ubyte: record 41 has label 10", "labels 0 to 9"});
  runtime::data::write_idx(trained / "other" / kTestImages, {{500, 1, 1}, std::vector<std::uint8_t>(500)});
  refused(trained.evaluated({"--set", "data.dir=other"}), 4,
          {"holds images of 1 x 1 x 1, but the network was trained on 28 x 28 x 1"});
}

TEST_CASE("counted test samples stay those behind the trained ones when the training files grow") {
  const Trained trained("test = 140\n");
  for (const auto& [name, extent] : {std::pair{kImages, 784U}, std::pair{kLabels, 1U}}) {
    IdxArray array = runtime::data::read_idx(trained / "data" / name, extent == 1 ? 1 : 3);
    array.extents[0] += 10;
    array.values.resize(array.values.size() + 10 * std::size_t{extent});
    runtime::data::write_idx(trained / "data" / name, array);
  }
  const Finished evaluated = trained.evaluated();
  CHECK(same_score(evaluated, trained.result));
  CHECK(lines_with(evaluated.err, "warning: ").empty());
  refused(trained.evaluated({"--set", "data.test=151"}), 4,
          {"data.test = 151", "holds 650 samples", "the first 500"});
  trained.darken();
  CHECK(lines_with(trained.evaluated().err, "it may know some of the test samples").size() == 1);
}

TEST_CASE("a checkpoint of an earlier version is measured by the data of its job, and says so") {
  const Trained trained;
  replace_file(trained.checkpoint(), "data.json", "");
  const Finished evaluated = trained.evaluated();
  CHECK(same_score(evaluated, trained.result));
  CHECK(lines_with(evaluated.err, "warning: ").size() == 1);
  CHECK(lines_with(evaluated.err, "an earlier version wrote it").size() == 1);
  trained.darken();
  CHECK_FALSE(same_score(trained.evaluated(), trained.result));  // as it always was
  const Finished resumed = trained.resumed();
  CHECK(lines_with(resumed.err, "an earlier version wrote it").size() == 1);
  CHECK(result_of(resumed)["steps"] == "50");
}

TEST_CASE("a network that overflows is no score but exit code 7") {
  const Trained trained;
  std::string weights = contents_of(trained.checkpoint() / "weights.safetensors");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(weights.data() + weights.size() - sizeof nan, &nan, sizeof nan);
  replace_file(trained.checkpoint(), "weights.safetensors", weights);
  for (const int ranks : {0, 2}) {
    const Finished finished =
        refused(trained.evaluated({"--json", "result.json"}, ranks), 7,
                {"the test loss is not a number after step 30", "some weights of the checkpoint"});
    CHECK(lines_with(finished.out, "result ").empty());
    CHECK_FALSE(fs::exists(trained / "result.json"));
  }
}

TEST_CASE("a job goes on with the data that its checkpoint was trained on, wherever and however they lie") {
  const Trained trained;
  const std::string at_once =
      result_of(run_program({"train", "job.toml", "--set", "job.epochs=5", "--set", "job.run_dir=whole"}, 0,
                            trained.path()))["weight_hash"];
  fs::rename(trained / "data", trained / "elsewhere");
  for (const char* name : {kImages, kLabels}) {
    const auto array = runtime::data::read_idx(trained / "elsewhere" / name, name == kImages ? 3 : 1);
    runtime::data::write_idx(trained / "elsewhere" / (std::string(name) + ".gz"), array);
    fs::remove(trained / "elsewhere" / name);
  }
  const Finished resumed = trained.resumed({"--set", "data.dir=elsewhere"});
  CHECK(result_of(resumed)["weight_hash"] == at_once);
  CHECK(lines_with(resumed.err, "warning: ").empty());
}

TEST_CASE("a job goes on with other data only where it says so, and then with its own mean and deviation") {
  const Trained trained;
  const std::string before = contents_of(trained.checkpoint() / "data.json");
  trained.darken();
  const Finished refusal =
      refused(trained.resumed(), 2,
              {"was trained on other data", "fingerprint: checkpoint ", "--set data.may_change=true"});
  const Finished resumed = trained.resumed({"--set", "data.may_change=true"});
  CHECK(result_of(resumed)["steps"] == "50");
  CHECK(lines_with(resumed.err, "warning: going on with other data than ").size() == 1);
  const auto now = nlohmann::json::parse(
      contents_of(trained / trained.result.at("run_dir") / "checkpoints/step-00000050/data.json"));
  const auto then = nlohmann::json::parse(before);
  CHECK(now["mean"] == then["mean"]);
  CHECK(now["deviation"] == then["deviation"]);
  CHECK(now["fingerprint"] != then["fingerprint"]);
}
