// Faults that crash nothing, made to happen in jobs as users start them.
#include "tests/launch/program.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <signal.h>

#include <algorithm>
#include <fstream>
#include <optional>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

constexpr auto kPatience = std::chrono::seconds(100);

std::vector<std::string> train(const std::vector<std::string>& settings) {
  std::vector<std::string> arguments = {"train", "job.toml"};
  for (const std::string& setting : settings) arguments.insert(arguments.end(), {"--set", setting});
  return arguments;
}

// A directory with the tiny job in it.
struct TinyPlace : Scratch {
  TinyPlace() { file("job.toml", kTinyJob); }
  Finished train(const std::vector<std::string>& settings, int ranks,
                 const std::map<std::string, std::string>& variables = {}) const {
    return run(program(::train(settings), ranks, path(), variables), kPatience);
  }
};

// Damages one message of rank 1: the first ones of a step are contributions to the sum of another rank.
std::map<std::string, std::string> flipped(int message) {
  return {{"LD_PRELOAD", EIGHTFOLD_FLIP_MESSAGE},
          {"EIGHTFOLD_FLIP_RANK", "1"},
          {"EIGHTFOLD_FLIP_MESSAGE", std::to_string(message)},
          {"EIGHTFOLD_FLIP_BIT", std::to_string(8 * 700 + 6)}};
}

// Of the processes that have these two variables in their environment, any one.
std::optional<pid_t> process_with(const std::string& one, const std::string& other) {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "environ", std::ios::binary);
    const std::string all = '\0' + std::string(std::istreambuf_iterator<char>(file), {});
    const auto has = [&](const std::string& variable) {
      return all.find('\0' + variable + '\0') != std::string::npos;
    };
    if (has(one) && has(other)) return std::stoi(name);
  }
  return std::nullopt;
}

// The log of the only run below a directory; empty if there is none yet.
std::string log_in(const fs::path& runs) {
  std::error_code not_yet;
  for (const auto& entry : fs::recursive_directory_iterator(runs, not_yet))
    if (entry.path().filename() == "rank-00000.log") return contents_of(entry.path());
  return "";
}

}  // namespace

TEST_CASE(
    "a bit flipped in a message ends a job that verifies checksums, and names sender, bucket and segment") {
  const TinyPlace here;
  for (const int ranks : {2, 3}) {
    const Finished run =
        here.train({"exchange.verify_checksums=true", "exchange.bucket=16KiB"}, ranks, flipped(20));
    CAPTURE(ranks, run.out, run.err);
    CHECK(run.status == 7);
    const auto lines = lines_with(run.err, " bytes from rank 1 have the hash ");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find("error: exchange of step ") != std::string::npos);
    CHECK(lines[0].find(", bucket ") != std::string::npos);
    CHECK(lines[0].find(", segment ") != std::string::npos);
  }
}

TEST_CASE("a job that verifies checksums and whose messages arrive as they were sent runs as any other") {
  const TinyPlace here;
  const std::map<std::string, std::string> nothing = flipped(1'000'000'000);
  CHECK(here.train({"exchange.verify_checksums=true", "exchange.bucket=16KiB"}, 3, nothing).status == 0);
}

TEST_CASE("gradients that are never finite are skipped as often as the limit allows, then end the job") {
  const TinyPlace here;
  const Finished run = here.train({"guard.non_finite=skip", "guard.skip_limit=4", "telemetry.interval=1",
                                   "optimizer.learning_rate=1000000"},
                                  2);
  CAPTURE(run.out, run.err);
  CHECK(run.status == 7);
  CHECK(lines_with(run.err, " is skipped: the gradient is not finite").size() == 4);
  CHECK(lines_with(run.err, "and guard.skip_limit = 4 allows no more in a row").size() == 1);
}

TEST_CASE("a run skips its spikes, says so, and ends in the same bits when it is stopped and resumed") {
  for (const int ranks : {1, 3}) {
    const std::vector<std::string> guarded = {"job.epochs=30", "guard.spike=1.2", "checkpoint.every=80"};
    const auto with = [&](const std::string& setting) {
      std::vector<std::string> settings = guarded;
      settings.push_back(setting);
      return settings;
    };
    const TinyPlace whole, halves;
    const Finished run = whole.train(guarded, ranks);
    CAPTURE(ranks, run.out, run.err);
    REQUIRE(run.status == 0);
    auto result = result_of(run);
    const auto skipped = records_of(whole / result["run_dir"], "skipped");
    CHECK(skipped.size() > 3);
    CHECK(skipped.front().at("step") > 128);
    CHECK(lines_with(run.err, " is skipped: the gradient's norm is ").size() == skipped.size());
    const std::string count = std::to_string(skipped.size());
    CHECK(lines_with(run.out, "; " + count + " steps skipped").size() == 1);
    CHECK(records_of(whole / result["run_dir"], "end").front().at("skipped_steps") == skipped.size());

    REQUIRE(halves.train(with("job.steps=160"), ranks).status == 0);
    std::vector<std::string> resumed = train(guarded);
    resumed.emplace_back("--resume");
    CHECK(result_of(run_program(resumed, ranks, halves.path()))["weight_hash"] == result["weight_hash"]);
    CHECK(result_of(whole.train({"job.epochs=30"}, ranks))["weight_hash"] != result["weight_hash"]);
  }
}

TEST_CASE("a rank that is held back is named while the job runs") {
  const TinyPlace here;
  const std::string mark = here.path().string();
  Process job(program(train({"job.epochs=1000000", "checkpoint.every=-1", "evaluation.every=0"}), 2,
                      here.path(), {{"EIGHTFOLD_TEST_MARK", mark}}));
  const auto start = std::chrono::steady_clock::now();
  const auto has_time = [&] { return std::chrono::steady_clock::now() - start < kPatience; };
  std::optional<pid_t> slow;
  while (!slow && has_time() && !job.ends_within(std::chrono::milliseconds(20)))
    slow = process_with("EIGHTFOLD_TEST_MARK=" + mark, "OMPI_COMM_WORLD_RANK=1");
  REQUIRE(slow);
  const auto is_named = [&] {
    const auto lines = lines_with(log_in(here / "runs"), " is a straggler: ");
    return std::ranges::any_of(
        lines, [](const std::string& line) { return line.find(" rank 1 (") != std::string::npos; });
  };
  bool named = false;
  for (int round = 0; !named && has_time(); ++round) {  // runs a third of the time
    ::kill(*slow, SIGSTOP);
    job.ends_within(std::chrono::milliseconds(20));
    ::kill(*slow, SIGCONT);
    job.ends_within(std::chrono::milliseconds(10));
    if (round % 16 == 0) named = is_named();
  }
  job.kill();
  INFO(log_in(here / "runs"));
  CHECK(named);
}
