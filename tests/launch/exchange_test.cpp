// What the ranks of a job tell each other, in every codec: learning goes on, the replicas stay the same, and
// the run says what the exchange costs.
#include "tests/launch/program.hpp"
#include "tests/launch/refusals.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <set>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

const std::vector<std::string> kCodecs = {"fp32",     "bf16",         "fp16",      "dynamic-tree8",
                                          "linear8",  "static-tree8", "mantissa8", "fp8-e4m3",
                                          "fp8-e5m2", "linear4",      "one-bit"};

std::vector<std::string> train(const std::vector<std::string>& settings) {
  std::vector<std::string> arguments = {"train", "job.toml"};
  for (const std::string& setting : settings) {
    arguments.emplace_back("--set");
    arguments.push_back(setting);
  }
  return arguments;
}

std::vector<std::string> resumed(std::vector<std::string> arguments) {
  arguments.emplace_back("--resume");
  return arguments;
}

// A directory with the job of the quickstart in it, cut down to 40 steps.
struct DigitsPlace : Scratch {
  DigitsPlace() { fs::copy(source_directory() / "configs/jobs/digits-mlp.toml", path() / "job.toml"); }
  Finished train(std::vector<std::string> settings, int ranks) const {
    settings.insert(settings.end(), {"data.train=2560", "data.test=500", "job.epochs=2", "job.threads=1",
                                     "schedule.warmup_steps=4"});
    return run_program(::train(settings), ranks, path());
  }
};

// Of ten digits, after so few steps; with all bits it is 0.83, with one 0.69.
constexpr double kHasLearnt = 0.5;

// Trains in every codec on so many ranks, with the replicas compared every seven steps.
void check_every_codec(int ranks) {
  const DigitsPlace here;
  for (const std::string& codec : kCodecs) {
    CAPTURE(ranks, codec);
    auto result = result_of(here.train({"exchange.codec=" + codec, "exchange.replica_check=7"}, ranks));
    CHECK(result["steps"] == "40");
    CHECK(std::stod(result["test_accuracy"]) > kHasLearnt);
  }
}

}  // namespace

TEST_CASE("one rank learns the same in every codec, for it exchanges nothing, and says so") {
  const DigitsPlace here;
  std::set<std::string> hashes;
  for (const std::string codec : {"fp32", "dynamic-tree8", "one-bit"}) {
    const Finished run = here.train({"exchange.codec=" + codec}, 1);
    CHECK(lines_with(run.err, "exchange: none, one rank alone has all gradients").size() == 1);
    hashes.insert(result_of(run)["weight_hash"]);
  }
  CHECK(hashes.size() == 1);
}

TEST_CASE("two ranks learn in every codec") {
  check_every_codec(2);
}

TEST_CASE("three ranks learn in every codec") {
  check_every_codec(3);
}

TEST_CASE("four ranks learn in every codec") {
  check_every_codec(4);
}

TEST_CASE("every algorithm carries the default codec, or fp32 where it must") {
  const DigitsPlace here;
  for (const int ranks : {2, 3}) {
    for (const std::string algorithm : {"two_shot", "hierarchical", "ring"})
      CHECK(std::stod(result_of(here.train({"exchange.algorithm=" + algorithm, "exchange.replica_check=1"},
                                           ranks))["test_accuracy"]) > kHasLearnt);
    for (const std::string algorithm : {"mpi", "recursive_doubling"})
      CHECK(std::stod(result_of(here.train(
                {"exchange.codec=fp32", "exchange.algorithm=" + algorithm, "exchange.replica_check=1"},
                ranks))["test_accuracy"]) > kHasLearnt);
  }
}

TEST_CASE("settings that only change how bytes travel change nothing of what is learnt") {
  const Scratch here;
  here.file("job.toml", kTinyJob);
  const auto hash_with = [&](const std::vector<std::string>& settings) {
    return result_of(run_program(train(settings), 3, here.path()))["weight_hash"];
  };
  const std::string hash = hash_with({});
  CHECK(hash_with({"exchange.segment=2KiB"}) == hash);
  CHECK(hash_with({"exchange.verify_checksums=true"}) == hash);
  CHECK(hash_with({"exchange.transport=direct"}) == hash);
  CHECK(hash_with({"exchange.overlap=false"}) == hash);
  CHECK(hash_with({"exchange.verify=true"}) == hash);
  CHECK(hash_with({"exchange.replica_check=0"}) == hash);
  CHECK(hash_with({"exchange.rounding=stochastic"}) != hash);
  CHECK(hash_with({"exchange.error_feedback=on"}) != hash);
  CHECK(hash_with({"exchange.scaling=tensor"}) != hash);
}

TEST_CASE(
    "with error feedback and stochastic rounding a resumed job ends in the bits of one that never stopped") {
  for (const std::vector<std::string>& exchange :
       {std::vector<std::string>{"exchange.codec=linear4", "exchange.rounding=stochastic"},
        std::vector<std::string>{"exchange.codec=dynamic-tree8", "exchange.rounding=stochastic",
                                 "exchange.error_feedback=on"},
        std::vector<std::string>{"exchange.codec=one-bit"}}) {
    for (const int ranks : {2, 3, 4}) {
      CAPTURE(exchange, ranks);
      const Scratch whole, parts;
      for (const Scratch* place : {&whole, &parts}) place->file("job.toml", kTinyJob);
      std::vector<std::string> first_half = exchange;
      first_half.emplace_back("job.steps=15");
      const fs::path run = parts / result_of(run_program(train(first_half), ranks, parts.path()))["run_dir"];
      CHECK(fs::exists(run / "checkpoints/step-00000015" /
                       ("residual-0000" + std::to_string(ranks - 1) + ".safetensors")));
      auto end = result_of(run_program(resumed(train(exchange)), ranks, parts.path()));
      CHECK(end["steps"] == "30");
      CHECK(end["weight_hash"] ==
            result_of(run_program(train(exchange), ranks, whole.path()))["weight_hash"]);
    }
  }
}

TEST_CASE("a job with error feedback goes on with other ranks than it began with") {
  const Scratch here;
  here.file("job.toml", kTinyJob);
  const std::vector<std::string> half = {"exchange.codec=one-bit", "job.steps=15"};
  const fs::path run = here / result_of(run_program(train(half), 3, here.path()))["run_dir"];
  fs::copy(run, here / "copy", fs::copy_options::recursive);
  for (const auto& [from, ranks] : {std::pair{run, 2}, std::pair{here / "copy", 1}}) {
    std::vector<std::string> arguments = resumed(train({"exchange.codec=one-bit"}));
    arguments.push_back(from.string());
    const Finished finished = run_program(arguments, ranks, here.path());
    CHECK(result_of(finished)["steps"] == "30");
    CHECK(lines_with(finished.err, "the residuals of 3 ranks (error feedback) are dropped").size() ==
          (ranks == 1 ? 1 : 0));
  }
}

TEST_CASE("a checkpoint is not continued with another codec, rounding or error feedback") {
  const Preparation trained = [](const Scratch& scratch) {
    scratch.file("job.toml", kTinyJob);
    run_program(train({"job.steps=3"}), 0, scratch.path());
  };
  std::vector<Refusal> rows;
  for (const std::string setting :
       {"codec=linear8", "rounding=stochastic", "error_feedback=on", "scaling=tensor"})
    rows.push_back({.wrong = "resuming with exchange." + setting,
                    .arguments = resumed(train({"exchange." + setting})),
                    .code = 2,
                    .words = {"exchange." + setting.substr(0, setting.find('=')), "checkpoint \"", "job \""},
                    .prepare = trained,
                    .leaves_runs = true});
  check_refusals(rows);
}

TEST_CASE("exchanges that cannot be are refused with exit code 2 and their place") {
  const auto refused = [](const std::string& wrong, const std::string& keys, Words words) {
    words.emplace_back("job.toml:");
    return Refusal{.wrong = wrong,
                   .arguments = {"train", "job.toml"},
                   .code = 2,
                   .words = std::move(words),
                   .prepare = tiny_and("[exchange]\n" + keys),
                   .ranks = 2};
  };
  check_refusals({
      refused("MPI_Allreduce in 8 bits", "algorithm = \"mpi\"\n", {"\"mpi\"", "dynamic-tree8", "fp32"}),
      refused("recursive doubling in bf16", "codec = \"bf16\"\nalgorithm = \"recursive_doubling\"\n",
              {"recursive_doubling", "bf16", "fp32"}),
      refused("stochastic rounding to a sign", "codec = \"one-bit\"\nrounding = \"stochastic\"\n",
              {"exchange.rounding", "one-bit"}),
      refused("error feedback of what loses nothing", "codec = \"fp32\"\nerror_feedback = \"on\"\n",
              {"exchange.error_feedback", "fp32"}),
      refused("a codec that is none", "codec = \"tree\"\n", {"exchange.codec", "\"tree\"", "dynamic-tree8"}),
  });
}

TEST_CASE("a run says what it exchanges, and its records and trace what that takes") {
  const Scratch here;
  here.file("job.toml", kTinyJob);
  const Finished finished = run_program(
      train({"telemetry.trace=true", "exchange.bucket=32KiB", "exchange.verify=true"}), 2, here.path());
  CHECK(
      lines_with(finished.err, "exchange: two_shot in dynamic-tree8, error feedback off, 3 buckets").size() ==
      1);
  CHECK(lines_with(finished.err, "dynamic-tree8 takes 3.96 times fewer than fp32").size() == 1);
  CHECK(lines_with(finished.out, "ms = encode ").size() >= 3);  // three intervals and the verdict
  const fs::path run = here / result_of(finished)["run_dir"];
  for (const auto& record : records_of(run, "train")) {
    for (const char* key : {"exchange_ms", "encode_ms", "decode_ms"}) CHECK(record.at(key) > 0);
    CHECK(record.at("wire_ms") >= 0);
    CHECK(record.at("exchange_ms") >= record.at("wire_ms"));
  }
  for (const auto& record : records_of(run, "verify")) {
    CHECK(record.at("nmse").size() == 3);
    for (const double nmse : record.at("nmse")) CHECK((nmse > 1e-6 && nmse < 1e-3));
  }
  CHECK(records_of(run, "verify").size() == 3);
  CHECK(records_of(run, "end").back().contains("hidden_percent"));

  const auto events = nlohmann::json::parse(contents_of(run / "trace.json")).at("traceEvents");
  for (const auto& [name, phase] : {std::pair{"exchange", "b"}, std::pair{"exchange", "e"}})
    CHECK(std::ranges::count_if(events, [&](const auto& event) {
            return event.at("name") == name && event.at("ph") == phase;
          }) == 30 * 3);
  for (const char* name : {"encode", "decode"})
    CHECK(std::ranges::count_if(events, [&](const auto& event) { return event.at("name") == name; }) >=
          30 * 3);
}

TEST_CASE("fp32 is exchanged without an error that verify could find") {
  const Scratch here;
  here.file("job.toml", kTinyJob);
  auto result =
      result_of(run_program(train({"exchange.codec=fp32", "exchange.verify=true"}), 2, here.path()));
  const auto records = records_of(here / result["run_dir"], "verify");
  REQUIRE(records.size() == 3);
  for (const auto& record : records)
    for (const double nmse : record.at("nmse")) CHECK(nmse == 0);  // a sum of two has one order
}

TEST_CASE("bench step times several exchanges in turns, and the step without one") {
  const Scratch here;
  here.file("job.toml", kTinyJob);
  const std::vector<std::string> settings = {"none", "codec=fp32,algorithm=mpi", "codec=bf16",
                                             "codec=dynamic-tree8,overlap=false"};
  std::vector<std::string> arguments = {"bench",  "step",      "job.toml", "--steps",
                                        "12",     "--warmup",  "2",        "--check-steady-state",
                                        "--json", "bench.json"};
  for (const std::string& setting : settings) {
    arguments.emplace_back("--exchange");
    arguments.push_back(setting);
  }
  const Finished finished = run_program(arguments, 2, here.path());
  CHECK(lines_with(finished.out, "result step_ms=").size() == settings.size());
  const auto rows = nlohmann::json::parse(contents_of(here / "bench.json")).at("rows");
  REQUIRE(rows.size() == settings.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i].at("exchange") == settings[i]);
    CHECK(rows[i].at("bound_ms") >= rows[i].at("compute_ms"));
    CHECK(rows[i].at("step_ms") > 0);
  }
}
