// eightfold scale simulate, with the workloads and fabrics of this repository.
#include "launch/process/shipped_files.hpp"
#include "runtime/scale/prediction.hpp"
#include "tests/launch/refusals.hpp"
#include "tests/support/test.hpp"

#include <filesystem>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

const std::string kFabric = R"([fabric]
name = "lab"
[network]
bytes_per_s = 1e9
latency_us = 10
)";
const std::string kWorkload = R"([workload]
name = "small"
device = "host"
batch = 8
[memory]
bytes_per_s = 1e10
[[layer]]
name = "all"
parameters = 1000000
forward_ms = 1
backward_ms = 2
)";

Words simulate(const Words& more) {
  Words all = {"scale", "simulate"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Words simulate_small(const Words& more) {
  Words all = {"--workload", "small.toml", "--nodes", "2", "--gpus-per-node", "1"};
  all.insert(all.end(), more.begin(), more.end());
  return simulate(all);
}

Preparation with_small(const std::string& text) {
  return [text](const Scratch& scratch) { scratch.file("small.toml", text); };
}

}  // namespace

TEST_CASE("scale simulate has a row for every number of nodes with every codec") {
  if (!runtime::scale::can_predict()) return;
  const Scratch scratch;
  const Finished finished =
      run_program(simulate({"--workload", "alexnet-2014", "--fabric", "fdr-2014", "--nodes", "1,2",
                            "--gpus-per-node", "3", "--codec", "bf16,dynamic-tree8", "--json", "r.json"}),
                  0, scratch.path());
  const Words lines = lines_with(finished.out, "result ");
  REQUIRE(lines.size() == 4);
  for (const std::string& line : lines) CHECK(line.starts_with("result speedup="));
  CHECK(lines_with(finished.out, "alexnet-2014 on fdr-2014").size() == 1);  // what forks says nothing twice

  const auto file = nlohmann::ordered_json::parse(contents_of(scratch / "r.json"));
  CHECK(file["environment"]["workload"] == "alexnet-2014");
  CHECK(file["environment"]["fabric"] == "fdr-2014");
  CHECK(file["environment"].contains("build"));
  REQUIRE(file["rows"].size() == 4);
  Words keys;
  for (const auto& [key, value] : file["rows"][0].items()) keys.push_back(key);
  CHECK(keys == Words{"speedup", "step_ms", "compute_ms", "exposed_ms", "wire_ms", "codec_ms", "algorithm",
                      "codec", "nodes", "ranks", "wire_bytes", "flows"});
  for (std::size_t i = 0; i < 4; ++i) {
    const auto& row = file["rows"][i];
    CHECK(row["nodes"] == (i < 2 ? 1 : 2));
    CHECK(row["ranks"] == (i < 2 ? 3 : 6));
    CHECK(row["codec"] == (i % 2 == 0 ? "bf16" : "dynamic-tree8"));
    CHECK(row["speedup"] < row["ranks"]);
    CHECK(row["algorithm"] != "");
  }
}

TEST_CASE("one GPU is predicted without SimGrid, more than one without it is refused") {
  const Scratch scratch;
  scratch.file("small.toml", kWorkload + kFabric);
  auto result = result_of(run_program(simulate({"--workload", "small.toml", "--nodes", "1", "--gpus-per-node",
                                                "1", "--codec", "fp32", "--batch", "16"}),
                                      0, scratch.path()));
  CHECK(std::stod(result["step_ms"]) == Approx(6));  // twice the samples
  CHECK(result["speedup"] == "1.0");
  CHECK(result["algorithm"] == "none");
  const Finished two = run(program(simulate_small({"--codec", "fp32"}), 0, scratch.path()));
  CAPTURE(two.err);
  CHECK(two.status == (runtime::scale::can_predict() ? 0 : 3));
  if (!runtime::scale::can_predict()) CHECK(two.err.find("libsimgrid-dev") != std::string::npos);
}

TEST_CASE("scale simulate takes an algorithm, a bucket, and files of the working directory by name") {
  if (!runtime::scale::can_predict()) return;
  const Scratch scratch;
  fs::create_directories(scratch / "configs/workloads");
  fs::create_directories(scratch / "configs/fabrics");
  scratch.file("configs/workloads/mine.toml", kWorkload);
  scratch.file("configs/fabrics/lab.toml", kFabric);
  const auto flows = [&](const std::string& bucket) {
    auto result = result_of(
        run_program(simulate({"--workload", "mine", "--fabric", "lab", "--nodes", "3", "--gpus-per-node", "1",
                              "--codec", "fp32", "--algorithm", "ring", "--bucket", bucket}),
                    0, scratch.path()));
    CHECK(result["algorithm"] == "ring");
    return std::stol(result["flows"]);
  };
  CHECK(flows("64KiB") > flows("1MiB"));
}

TEST_CASE("scale simulate says that nodes share cores, and can give them hosts of their own") {
  const Scratch scratch;
  scratch.file("small.toml", kWorkload + kFabric + "[machine]\ncores = 2\n");
  const auto head = [&](const Words& more) {
    Words arguments = {"--workload", "small.toml", "--nodes", "1",      "--gpus-per-node",
                       "1",          "--codec",    "fp32",    "--json", "r.json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return lines_with(run_program(simulate(arguments), 0, scratch.path()).out, "small on lab").at(0);
  };
  CHECK(head({}) ==
        "small on lab, 8 samples a GPU; all nodes share 2 cores of one machine (--own-hosts: none do); times "
        "in ms");
  CHECK(nlohmann::json::parse(contents_of(scratch / "r.json"))["environment"]["shared_cores"] ==
        "all nodes share 2 cores of one machine");
  CHECK(head({"--own-hosts"}) == "small on lab, 8 samples a GPU; times in ms");
  CHECK(nlohmann::json::parse(contents_of(scratch / "r.json"))["environment"]["shared_cores"] == "");
}

TEST_CASE("what scale simulate cannot do it says before it begins") {
  check_refusals({
      {.wrong = "a workload that there is not",
       .arguments = simulate({"--workload", "alexnet", "--fabric", "fdr-2014", "--nodes", "2",
                              "--gpus-per-node", "3", "--codec", "fp32"}),
       .code = 2,
       .words = {"--workload alexnet", "alexnet-2014", "resnet50"}},
      {.wrong = "a fabric that there is not",
       .arguments = simulate_small({"--codec", "fp32", "--fabric", "token-ring"}),
       .code = 2,
       .words = {"--fabric token-ring", "fdr-2014", "ethernet-1g"},
       .prepare = with_small(kWorkload)},
      {.wrong = "a workload that is no profile, without a fabric",
       .arguments = simulate_small({"--codec", "fp32"}),
       .code = 2,
       .words = {"small.toml", "[fabric]", "--fabric"},
       .prepare = with_small(kWorkload)},
      {.wrong = "a workload with a mistake",
       .arguments = simulate_small({"--codec", "fp32"}),
       .code = 2,
       .words = {"small.toml:1:", "unknown", "workload"},
       .prepare = with_small("[worklaod]\n")},
      {.wrong = "an unknown codec",
       .arguments = simulate_small({"--codec", "fp32,fp31"}),
       .code = 2,
       .words = {"--codec fp31", "dynamic-tree8"},
       .prepare = with_small(kWorkload + kFabric)},
      {.wrong = "an unknown algorithm",
       .arguments = simulate_small({"--codec", "fp32", "--algorithm", "auto"}),
       .code = 2,
       .words = {"--algorithm auto", "two_shot", "hierarchical"},
       .prepare = with_small(kWorkload + kFabric)},
      {.wrong = "an algorithm that the codec does not suit",
       .arguments = simulate_small({"--codec", "fp32,bf16", "--algorithm", "recursive_doubling"}),
       .code = 2,
       .words = {"recursive_doubling", "bf16", "two_shot"},
       .prepare = with_small(kWorkload + kFabric)},
      {.wrong = "a codec of unknown cost",
       .arguments = simulate_small({"--codec", "linear8"}),
       .code = 2,
       .words = {"small", "linear8", "memory.bytes_per_s"},
       .prepare =
           [](const Scratch& scratch) {
             std::string text = kWorkload + kFabric;
             const std::string memory = "[memory]\nbytes_per_s = 1e10\n";
             scratch.file("small.toml", text.erase(text.find(memory), memory.size()));
           }},
      {.wrong = "a bucket that is none",
       .arguments = simulate_small({"--codec", "fp32", "--bucket", "12"}),
       .code = 2,
       .words = {"--bucket 12", "1KiB"},
       .prepare = with_small(kWorkload + kFabric)},
      {.wrong = "more GPUs than can be simulated",
       .arguments = simulate(
           {"--workload", "small.toml", "--nodes", "10000", "--gpus-per-node", "2", "--codec", "fp32"}),
       .code = 2,
       .words = {"--nodes 10000", "10000 GPUs"},
       .prepare = with_small(kWorkload + kFabric)},
      {.wrong = "no nodes",
       .arguments = simulate({"--workload", "small.toml", "--gpus-per-node", "2", "--codec", "fp32"}),
       .code = 2,
       .words = {"--nodes"},
       .prepare = with_small(kWorkload + kFabric)},
      {.wrong = "hosts of their own for nodes that have them",
       .arguments = simulate_small({"--codec", "fp32", "--own-hosts"}),
       .code = 2,
       .words = {"--own-hosts", "no effect", "share cores"},
       .prepare = with_small(kWorkload + kFabric)},
      {.wrong = "--json where nothing can be written",
       .arguments = simulate_small({"--codec", "fp32", "--json", "none/r.json"}),
       .code = 2,
       .words = {"--json", "none/r.json"},
       .prepare = with_small(kWorkload + kFabric)},
  });
}

TEST_CASE("files that are shipped are found from the repository, a bundle and an installation") {
  const Scratch scratch;
  const auto touch = [&](const fs::path& file) {
    fs::create_directories(scratch / file.parent_path());
    return scratch.file(file, kFabric);
  };
  const fs::path file = "configs/fabrics/x.toml";
  const fs::path in_build = scratch / "repo/build/release/launch/eightfold";
  CHECK_FALSE(launch::process::find_shipped(in_build, file));
  touch("repo/configs/fabrics/x.toml");
  CHECK_FALSE(
      launch::process::find_shipped(in_build, file));  // what lies above a program need not be its repository
  touch("repo/CMakePresets.json");
  CHECK(launch::process::find_shipped(in_build, file) == scratch / "repo" / file);
  touch("bundle/configs/fabrics/x.toml");
  touch("bundle/run");
  CHECK(launch::process::find_shipped(scratch / "bundle/build/launch/eightfold", file) ==
        scratch / "bundle" / file);
  touch("usr/share/eightfold/fabrics/x.toml");
  CHECK(launch::process::find_shipped(scratch / "usr/bin/eightfold", file) ==
        scratch / "usr/share/eightfold/fabrics/x.toml");
}
