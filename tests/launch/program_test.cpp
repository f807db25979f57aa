// What each command of the program does for who uses it well.
#include "tests/launch/program.hpp"

#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <sstream>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

Names keys_of(const Json& object) {
  Names keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

// The keys of a result line, in its order.
Names keys_of(const Finished& finished) {
  Names keys;
  std::istringstream words(lines_with(finished.out, "result ").back().substr(7));
  for (std::string word; words >> word;) keys.push_back(word.substr(0, word.find('=')));
  return keys;
}

const Names kTrainKeys = {"test_accuracy", "test_loss", "steps", "seconds", "weight_hash", "run_dir"};

// A directory with the tiny job in it.
struct Workplace : Scratch {
  Workplace() { file("job.toml", kTinyJob); }
  Finished eightfold(const Names& arguments, int ranks = 0) const {
    return run_program(arguments, ranks, path());
  }
};

}  // namespace

TEST_CASE("help names every command, and every command has help", "[smoke]") {
  const Workplace here;
  const Finished help = here.eightfold({"--help"});
  for (const std::string command : {"train", "evaluate", "config", "data", "checkpoint", "bench"}) {
    CHECK(lines_with(help.out, "  " + command).size() >= 1);
    CHECK(lines_with(here.eightfold({command, "--help"}).out, "Usage").size() == 1);
  }
  for (const Names& command : {Names{"config", "check"}, Names{"config", "show"}, Names{"data", "digits"},
                               Names{"data", "info"}, Names{"checkpoint", "ls"}, Names{"bench", "step"}}) {
    Names arguments = command;
    arguments.push_back("--help");
    CHECK(lines_with(here.eightfold(arguments).out, "Usage").size() == 1);
  }
  CHECK(help.err.empty());
}

TEST_CASE("the version says what the program was built from") {
  const Finished version = Workplace().eightfold({"--version"});
  CHECK(lines_with(version.out, "oneDNN").size() == 1);
  CHECK(version.err.empty());
}

TEST_CASE("a resolved job is a job that resolves to itself") {
  const Workplace here;
  CHECK(here.eightfold({"config", "check", "job.toml"}).out == "job.toml: ok, job tiny\n");
  const std::string resolved = here.eightfold({"config", "show", "job.toml", "--set", "job.seed=9"}).out;
  here.file("resolved.toml", resolved);
  CHECK(here.eightfold({"config", "show", "resolved.toml"}).out == resolved);
  CHECK(lines_with(resolved, "seed = 9").size() == 1);
}

TEST_CASE("origins tell the file, the command line and the defaults apart") {
  const std::string shown =
      Workplace().eightfold({"config", "show", "job.toml", "--origin", "--set", "job.seed=9"}).out;
  CHECK(lines_with(shown, "--set job.seed=9").size() == 1);
  CHECK(lines_with(shown, "job.toml:3:8").size() == 1);
  CHECK(lines_with(shown, "default").size() >= 1);
}

TEST_CASE("docs and schema come out whole") {
  const Workplace here;
  CHECK(here.eightfold({"config", "docs"}).out.starts_with("# Job files\n"));
  const Json schema = Json::parse(here.eightfold({"config", "schema"}).out);
  CHECK(schema.at("properties").contains("optimizer"));
}

TEST_CASE("digits written as IDX files train to the bits of the digits in memory") {
  const Workplace here;
  auto in_memory = result_of(here.eightfold({"train", "job.toml"}));
  here.eightfold({"data", "digits", "digits", "--train", "640", "--test", "200"});
  std::string job = kTinyJob;
  const std::string digits = "kind = \"digits\"\ntrain = 640\ntest = 200\n";
  job.replace(job.find(digits), digits.size(), "kind = \"idx\"\ndir = \"digits\"\n");
  here.file("idx.toml", job);
  auto from_files = result_of(here.eightfold({"train", "idx.toml"}));
  for (const char* key : {"test_accuracy", "test_loss", "weight_hash"})
    CHECK(from_files[key] == in_memory[key]);
  const std::string info = here.eightfold({"data", "info", "idx.toml"}).out;
  CHECK(lines_with(info, "640").size() >= 1);
  CHECK(lines_with(info, "200").size() >= 1);
}

TEST_CASE("the host computes in fp32 whatever the job says of TF32, and says so") {
  const Workplace here;
  const std::vector<std::string> plain = {"train", "job.toml", "--set", "job.device=host"};
  std::vector<std::string> rounded = plain;
  rounded.insert(rounded.end(), {"--set", "job.tf32=true"});
  const Finished run = here.eightfold(rounded, 2);
  CHECK(lines_with(run.err, "job.tf32").size() == 1);
  CHECK(result_of(run)["weight_hash"] == result_of(here.eightfold(plain, 2))["weight_hash"]);
}

TEST_CASE("a run directory holds what its run was, for its owner only", "[smoke]") {
  const Workplace here;
  const fs::path run =
      here / result_of(here.eightfold({"train", "job.toml", "--set", "telemetry.trace=true"}, 2))["run_dir"];
  CHECK(contents_of(run / "config.resolved.toml") ==
        here.eightfold({"config", "show", "job.toml", "--set", "telemetry.trace=true"}).out);
  CHECK(Json::parse(contents_of(run / "environment.json")).at("ranks") == 2);
  CHECK(records_of(run, "evaluation").size() == 3);
  CHECK(records_of(run, "end").size() == 1);
  CHECK(fs::exists(run / "log/rank-00000.log"));
  for (const auto& [file, rank] : {std::pair{"trace.json", 0}, std::pair{"trace-00001.json", 1}}) {
    const Json events = Json::parse(contents_of(run / file)).at("traceEvents");
    CHECK(std::count_if(events.begin(), events.end(),
                        [](const Json& event) { return event.at("name") == "step"; }) == 30);
    CHECK(std::all_of(events.begin(), events.end(),
                      [&](const Json& event) { return event.at("pid") == rank; }));
  }
  CHECK((fs::status(run).permissions() & (fs::perms::group_all | fs::perms::others_all)) == fs::perms::none);
}

TEST_CASE("checkpoints are listed and verified, by run, by folder and one by one") {
  const Workplace here;
  const std::string run = result_of(here.eightfold({"train", "job.toml"}))["run_dir"];
  for (const std::string& path : {run, run + "/checkpoints"}) {
    const Finished listed = here.eightfold({"checkpoint", "ls", path});
    CHECK(lines_with(listed.out, "step 20").size() == 1);
    CHECK(lines_with(listed.out, "step 30").size() == 1);
    CHECK(lines_with(here.eightfold({"checkpoint", "verify", path}).out, ": ok").size() == 2);
  }
  const std::string last = run + "/checkpoints/step-00000030";
  CHECK(here.eightfold({"checkpoint", "verify", last}).out == last + ": ok\n");
}

TEST_CASE("verifying says a line for each checkpoint, whichever are damaged, and ends with code 4") {
  const Workplace here;
  const std::string run =
      result_of(here.eightfold({"train", "job.toml", "--set", "checkpoint.keep=3"}))["run_dir"];
  const std::string store = run + "/checkpoints/";
  fs::resize_file(here / (store + "step-00000010/weights.safetensors"), 3);
  fs::remove(here / (store + "step-00000030/manifest.json"));
  const Finished all = test::run(program({"checkpoint", "verify", run}, 0, here.path()));
  CHECK(all.status == 4);
  const std::string weights = store + "step-00000010/weights.safetensors: 3 bytes, the manifest says ";
  CHECK(lines_with(all.out, "").size() == 3);
  CHECK(all.out.starts_with(store + "step-00000010: damaged: " + weights));
  CHECK(lines_with(all.out, store + "step-00000020: ok").size() == 1);
  CHECK(lines_with(all.out, store + "step-00000030: damaged: ").size() == 1);
  CHECK(all.err.starts_with("error: " + run + ": 2 of 3 checkpoints damaged, the first: " + weights));
}

TEST_CASE("a folder of runs stands for the newest of them, also among those of one second") {
  const Workplace here;
  const std::string old = result_of(here.eightfold({"train", "job.toml"}))["run_dir"];
  const auto trained =
      result_of(here.eightfold({"train", "job.toml", "--set", "job.epochs=2", "--set", "job.seed=7"}));
  fs::rename(here / old, here / "runs/tiny/2026-11-21T10-16-28Z-9");
  fs::rename(here / trained.at("run_dir"), here / "runs/tiny/2026-11-21T10-16-28Z-11");
  auto evaluated = result_of(here.eightfold({"evaluate", "runs/tiny"}));
  CHECK(evaluated["weight_hash"] == trained.at("weight_hash"));
  CHECK(evaluated["run_dir"] == "runs/tiny/2026-11-21T10-16-28Z-11");
  const std::string last = "runs/tiny/2026-11-21T10-16-28Z-11/checkpoints/step-00000020: ok";
  CHECK(lines_with(here.eightfold({"checkpoint", "verify", "runs/tiny"}).out, last).size() == 1);
  for (const std::vector<std::string>& from : {std::vector<std::string>(), {"runs/tiny"}}) {
    std::vector<std::string> arguments = {"train", "job.toml",     "--set",   "job.seed=7",
                                          "--set", "job.epochs=2", "--resume"};
    arguments.insert(arguments.end(), from.begin(), from.end());
    CHECK(result_of(here.eightfold(arguments))["run_dir"] == "runs/tiny/2026-11-21T10-16-28Z-11");
  }
}

TEST_CASE("evaluating a checkpoint repeats the result of its training, on any number of ranks", "[smoke]") {
  const Workplace here;
  auto trained = result_of(here.eightfold({"train", "job.toml"}));
  for (const int ranks : {0, 1, 3}) {
    auto evaluated = result_of(here.eightfold({"evaluate", trained["run_dir"]}, ranks));
    CAPTURE(ranks);
    CHECK(evaluated["test_accuracy"] == trained["test_accuracy"]);
    CHECK(std::stod(evaluated["test_loss"]) == Approx(std::stod(trained["test_loss"])).epsilon(1e-6));
    CHECK(evaluated["weight_hash"] == trained["weight_hash"]);
    CHECK(evaluated["steps"] == "30");
    CHECK(fs::equivalent(here / evaluated["run_dir"], here / trained["run_dir"]));
  }
}

TEST_CASE("results have their keys in a fixed order, on the last line and as JSON", "[smoke]") {
  const Workplace here;
  const Finished trained = here.eightfold({"train", "job.toml", "--json", "train.json"});
  CHECK(keys_of(trained) == kTrainKeys);
  const Json file = Json::parse(contents_of(here / "train.json"));
  CHECK(keys_of(file) == Names{"environment", "rows"});
  REQUIRE(file["rows"].size() == 1);
  CHECK(keys_of(file["rows"][0]) == kTrainKeys);
  auto line = result_of(trained);
  for (const auto& [key, value] : file["rows"][0].items())
    CHECK(line[key] == (value.is_string() ? value.get<std::string>() : value.dump()));
  for (const char* key :
       {"eightfold", "build", "mpi", "hosts", "device", "ranks", "nodes", "threads", "time"})
    CHECK(file["environment"].contains(key));

  const Finished evaluated = here.eightfold({"evaluate", line["run_dir"], "--json", "evaluate.json"});
  CHECK(keys_of(evaluated) == kTrainKeys);
  CHECK(keys_of(Json::parse(contents_of(here / "evaluate.json"))["rows"][0]) == kTrainKeys);
}

TEST_CASE("bench step measures a step, with fixed keys and sensible numbers") {
  const Workplace here;
  const Names keys = {"step_ms",  "compute_ms", "exposed_ms",  "bound_ms",
                      "codec_ms", "gflops",     "gemm_gflops", "samples_per_s"};
  for (const int ranks : {0, 2}) {
    const Finished measured = here.eightfold(
        {"bench", "step", "job.toml", "--steps", "5", "--warmup", "1", "--json", "bench.json"}, ranks);
    CHECK(keys_of(measured) == keys);
    const Json row = Json::parse(contents_of(here / "bench.json"))["rows"][0];
    CHECK(keys_of(row) == keys);
    for (const char* key : {"step_ms", "compute_ms", "bound_ms", "gflops", "gemm_gflops", "samples_per_s"})
      CHECK(row[key].get<double>() > 0);
    CHECK(row["exposed_ms"].get<double>() >= 0);
    CHECK((row["codec_ms"].get<double>() > 0) == (ranks == 2));  // alone there is nobody to encode for
  }
}

TEST_CASE("a run stops at its target accuracy") {
  const Workplace here;
  auto result = result_of(here.eightfold(
      {"train", "job.toml", "--set", "job.epochs=1000", "--set", "evaluation.target_accuracy=0.5"}));
  CHECK(std::stod(result["test_accuracy"]) >= 0.5);
  CHECK(std::stoll(result["steps"]) < 1000);
}

TEST_CASE("without checkpoints there are none") {
  const Workplace here;
  auto result = result_of(here.eightfold({"train", "job.toml", "--set", "checkpoint.every=-1"}));
  CHECK_FALSE(fs::exists(here / result["run_dir"] / "checkpoints"));
}
