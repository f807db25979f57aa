// Training that is killed and resumed ends where it would have ended.
#include "tests/launch/program.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <optional>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

// Slow enough that a kill on sight of the first checkpoint comes long before the end: after it, 90 steps of
// some milliseconds are to go.
const std::string kJob = R"(
[job]
name = "resumed"
steps = 100
epochs = 50
global_batch = 96
threads = 1
[data]
kind = "digits"
train = 1000
test = 100
[[model.layer]]
kind = "conv2d"
out = 16
kernel = 5
[[model.layer]]
kind = "relu"
[[model.layer]]
kind = "max_pool"
kernel = 2
[[model.layer]]
kind = "dropout"
rate = 0.2
[[model.layer]]
kind = "linear"
out = 10
[schedule]
kind = "cosine"
[evaluation]
every = 0
[checkpoint]
every = 5
)";
const std::string kMomentum = "[optimizer]\nkind = \"sgd\"\nlearning_rate = 0.02\nmomentum = 0.9\n";
const std::string kRmsprop = "[optimizer]\nkind = \"rmsprop\"\nlearning_rate = 0.001\nmomentum = 0.5\n";

constexpr auto kPatience = std::chrono::seconds(60);

// The run's directory once it has a complete checkpoint.
std::optional<fs::path> run_with_checkpoint(const fs::path& directory) {
  std::error_code not_yet;
  for (const auto& run : fs::directory_iterator(directory / "runs/resumed", not_yet))
    for (const auto& entry : fs::directory_iterator(run.path() / "checkpoints", not_yet))
      if (entry.path().filename().string().starts_with("step-")) return run.path();
  return std::nullopt;
}

// Starts the job and ends all of its processes at once when it has written a checkpoint. Returns its
// directory.
fs::path train_until_killed(const Scratch& scratch, int ranks) {
  Process process(program({"train", "job.toml"}, ranks, scratch.path()));
  const auto start = std::chrono::steady_clock::now();
  std::optional<fs::path> run;
  while (!run && std::chrono::steady_clock::now() - start < kPatience &&
         !process.ends_within(std::chrono::milliseconds(2)))
    run = run_with_checkpoint(scratch.path());
  process.kill();
  const Finished finished = process.wait(kPatience);
  INFO(finished.out << finished.err);
  REQUIRE(run);
  REQUIRE(finished.status == -SIGKILL);  // not: came to its end
  return *run;
}

std::string uninterrupted_hash(const std::string& job, int ranks) {
  const Scratch scratch;
  scratch.file("job.toml", job);
  return result_of(run_program({"train", "job.toml"}, ranks, scratch.path()))["weight_hash"];
}

// Whether every fp32 value of a safetensors file is finite.
bool holds_only_numbers(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  std::vector<float> values((bytes.size() - sizeof header - header) / sizeof(float));
  std::memcpy(values.data(), bytes.data() + sizeof header + header, values.size() * sizeof(float));
  return !values.empty() && std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

// The step that a resumed run began with.
std::int64_t resumed_step(const fs::path& run) {
  return records_of(run, "begin").back().at("step");
}

}  // namespace

TEST_CASE("a job that is killed and resumed ends in the bits of one that was not") {
  for (const std::string& optimizer : {kMomentum, kRmsprop}) {
    for (const int ranks : {1, 2}) {
      CAPTURE(ranks, optimizer);
      const Scratch scratch;
      scratch.file("job.toml", kJob + optimizer);
      const fs::path run = train_until_killed(scratch, ranks);
      auto result = result_of(run_program({"train", "job.toml", "--resume"}, ranks, scratch.path()));
      CHECK(fs::equivalent(scratch / result["run_dir"], run));
      CHECK(resumed_step(run) >= 5);
      CHECK(resumed_step(run) < 100);
      CHECK(result["steps"] == "100");
      CHECK(result["weight_hash"] == uninterrupted_hash(kJob + optimizer, ranks));
    }
  }
}

TEST_CASE("a job goes on with other ranks than it began with") {
  const Scratch scratch;
  scratch.file("job.toml", kJob + kMomentum);
  const fs::path run = train_until_killed(scratch, 2);
  const fs::path copy = scratch / "copy";
  fs::copy(run, copy, fs::copy_options::recursive);
  for (const auto& [from, ranks] : {std::pair{run, 1}, std::pair{copy, 3}}) {
    CAPTURE(ranks);
    auto result =
        result_of(run_program({"train", "job.toml", "--resume", from.string()}, ranks, scratch.path()));
    CHECK(resumed_step(from) >= 5);
    CHECK(result["steps"] == "100");
    CHECK(std::stod(result["test_accuracy"]) > 0.5);
  }
}

TEST_CASE("resuming a job that is complete evaluates and trains no further") {
  const Scratch scratch;
  scratch.file("job.toml", kTinyJob);
  const Finished begun = run_program({"train", "job.toml"}, 0, scratch.path());
  const Finished resumed = run_program({"train", "job.toml", "--resume"}, 0, scratch.path());
  auto first = result_of(begun), again = result_of(resumed);
  for (const char* key : {"test_accuracy", "test_loss", "steps", "weight_hash", "run_dir"})
    CHECK(again[key] == first[key]);
  const std::string said = "nothing was left to do";
  CHECK(lines_with(begun.err, said).empty());
  CHECK(lines_with(resumed.err, "info: " + said + ": the checkpoint is of step 30, the job ends after 30")
            .size() == 1);
}

TEST_CASE("a longer job goes on from the end of a shorter one") {
  const Scratch scratch;
  scratch.file("job.toml", kTinyJob);
  run_program({"train", "job.toml"}, 0, scratch.path());
  const Finished resumed =
      run_program({"train", "job.toml", "--resume", "--set", "job.epochs=5"}, 0, scratch.path());
  CHECK(lines_with(resumed.err, "nothing was left to do").empty());
  auto longer = result_of(resumed);
  CHECK(longer["steps"] == "50");
  const Scratch fresh;
  fresh.file("job.toml", kTinyJob);
  auto at_once = result_of(run_program({"train", "job.toml", "--set", "job.epochs=5"}, 0, fresh.path()));
  CHECK(longer["weight_hash"] == at_once["weight_hash"]);
}

TEST_CASE("resuming without anything to resume starts from the first step and says so") {
  const Scratch scratch;
  scratch.file("job.toml", kTinyJob);
  const Finished finished = run_program({"train", "job.toml", "--resume"}, 0, scratch.path());
  CHECK(lines_with(finished.err, "info: nothing to resume: no complete checkpoint of tiny yet").size() == 1);
  CHECK(result_of(finished)["steps"] == "30");
}

TEST_CASE("resuming passes over a damaged newest checkpoint and still ends in the same bits") {
  const Scratch scratch;
  scratch.file("job.toml", kTinyJob + "[checkpoint]\nevery = 10\n");
  auto first = result_of(run_program({"train", "job.toml"}, 0, scratch.path()));
  const fs::path checkpoints = scratch / first["run_dir"] / "checkpoints";
  fs::resize_file(checkpoints / "step-00000030/weights.safetensors", 100);
  const Finished again = run_program({"train", "job.toml", "--resume"}, 0, scratch.path());
  CHECK(lines_with(again.err, "warning: passing over the checkpoint").size() >= 1);
  CHECK(resumed_step(scratch / first["run_dir"]) == 20);
  CHECK(result_of(again)["weight_hash"] == first["weight_hash"]);
}

TEST_CASE("a job that had reached its target trains no further when it is resumed") {
  const Scratch scratch;
  scratch.file("job.toml", kTinyJob + "[evaluation]\ntarget_accuracy = 0.3\n");
  auto first = result_of(run_program({"train", "job.toml", "--set", "job.epochs=50"}, 0, scratch.path()));
  REQUIRE(std::stoi(first["steps"]) < 500);
  auto again =
      result_of(run_program({"train", "job.toml", "--set", "job.epochs=50", "--resume"}, 0, scratch.path()));
  CHECK(again["steps"] == first["steps"]);
  CHECK(again["weight_hash"] == first["weight_hash"]);
}

TEST_CASE("going back to an older checkpoint leaves the later ones behind, and the next resume follows") {
  const Scratch scratch;
  scratch.file("job.toml", kTinyJob + "[checkpoint]\nevery = 5\nkeep = 4\n");
  const fs::path run = scratch / result_of(run_program({"train", "job.toml"}, 0, scratch.path()))["run_dir"];
  run_program({"train", "job.toml", "--resume", (run / "checkpoints/step-00000015").string(), "--set",
               "job.steps=20"},
              0, scratch.path());
  CHECK(fs::exists(run / "checkpoints/step-00000020"));
  CHECK_FALSE(fs::exists(run / "checkpoints/step-00000025"));
  CHECK_FALSE(fs::exists(run / "checkpoints/step-00000030"));
}

TEST_CASE("a fresh run does not begin among the checkpoints of another") {
  const Scratch scratch;
  scratch.file("job.toml", kTinyJob + "[checkpoint]\ndir = \"store\"\n");
  run_program({"train", "job.toml"}, 0, scratch.path());
  const Finished again = run(program({"train", "job.toml"}, 0, scratch.path()));
  CHECK(again.status == 2);
  CHECK(
      lines_with(again.err, "error: checkpoint.dir: store holds the checkpoints of an earlier run").size() ==
      1);
  CHECK(fs::exists(scratch / "store/step-00000030"));
}

TEST_CASE("a run that goes on from elsewhere takes nothing from the store that it is to fill") {
  const Scratch scratch;
  scratch.file("job.toml", kTinyJob + "[checkpoint]\nevery = 10\n");
  const auto trained = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"train", "job.toml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return program(arguments, 0, scratch.path());
  };
  const auto steps = [&](const std::string& store) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(scratch / store))
      names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  };
  auto source = result_of(run(trained({"--set", "job.steps=20"})));
  run(trained({"--set", "checkpoint.dir=others"}));
  const auto before = steps("others");
  const Finished refused = run(trained({"--resume", source["run_dir"], "--set", "checkpoint.dir=others"}));
  CHECK(refused.status == 2);
  CHECK(lines_with(refused.err, "checkpoint.dir: others holds the checkpoints of an earlier run").size() ==
        1);
  CHECK(steps("others") == before);
  auto gone_on = result_of(run(trained({"--resume", source["run_dir"], "--set", "checkpoint.dir=fresh"})));
  CHECK(gone_on["steps"] == "30");
  CHECK(gone_on["run_dir"] != source["run_dir"]);
  CHECK(steps("fresh") == std::vector<std::string>{"step-00000030"});
}

TEST_CASE("weights that are no numbers never become a checkpoint") {
  const Scratch scratch;
  scratch.file("job.toml", kTinyJob + "[checkpoint]\nevery = 1\n[optimizer]\nlearning_rate = 1e6\n");
  CHECK(run(program({"train", "job.toml"}, 0, scratch.path())).status == 7);
  std::size_t checkpoints = 0;
  for (const auto& run_directory : fs::directory_iterator(scratch / "runs/tiny"))
    for (const auto& entry : fs::directory_iterator(run_directory.path() / "checkpoints")) {
      CHECK(holds_only_numbers(entry.path() / "weights.safetensors"));
      ++checkpoints;
    }
  CHECK(checkpoints > 0);
}
