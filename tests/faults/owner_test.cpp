// Two jobs at one store, on a file system with locks and on one without.
#include "kernels/base/json.hpp"
#include "runtime/checkpoint/store.hpp"
#include "tests/faults/faulty_program.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>

#include <csignal>
#include <optional>
#include <thread>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

constexpr auto kPatience = std::chrono::seconds(60);

// What a file system without locks says; the empty one has them.
const char* const kRefusals[] = {"", "ENOSYS"};

// 200 steps: long enough to be stopped on its way.
const std::vector<std::string> kLong = {"--set", "job.epochs=20", "--set", "checkpoint.every=50"};

std::vector<std::string> together(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// The job, where flock fails so.
Command training(const Scratch& scratch, const char* refusal, const std::vector<std::string>& more,
                 int ranks = 0) {
  return faulty_training(
      scratch, ranks,
      {{"FAULT_UNDER", "/"}, {"FAULT_CALLS", "flock"}, {"FAULT_COUNT", "0"}, {"FAULT_DO", refusal}}, more);
}

// A job that has made a store its own and was stopped there, until it is let go.
class StoppedJob {
 public:
  StoppedJob(const Command& command, const fs::path& store) : process_(command) {
    const fs::path file = store / "owner.json";
    const auto start = std::chrono::steady_clock::now();
    // A file of one that was killed may be there before.
    while (id_ == 0 || ::kill(id_, SIGSTOP) != 0) {
      REQUIRE(std::chrono::steady_clock::now() - start < kPatience);
      REQUIRE_FALSE(process_.ends_within(std::chrono::milliseconds(1)));
      if (!fs::exists(file)) continue;
      owner_ = base::parse_json(contents_of(file));
      id_ = owner_.at("process").get<pid_t>();
    }
  }

  // As whoever is refused is told.
  std::string in_words() const {
    return fmt::format("in use by process {} on {}, since {}; ", id_, owner_.at("host").get<std::string>(),
                       owner_.at("since").get<std::string>());
  }
  Finished go_on() {
    ::kill(id_, SIGCONT);
    return process_.wait(kPatience);
  }
  void kill() {
    process_.kill();
    process_.wait(kPatience);
  }

 private:
  Process process_;
  nlohmann::json owner_;
  pid_t id_ = 0;
};

std::vector<std::int64_t> steps_in(const fs::path& store) {
  std::vector<std::int64_t> steps;
  for (const auto& listed : runtime::checkpoint::list(store))
    steps.push_back(listed.manifest ? listed.manifest->step : -1);
  return steps;
}

fs::path only_run(const Scratch& scratch) {
  const fs::path folder = scratch / "runs/tiny";
  CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 1);
  return fs::directory_iterator(folder)->path();
}

}  // namespace

TEST_CASE("of two jobs on one store the second is refused with code 3, and takes nothing from the first") {
  for (const char* refusal : kRefusals) {
    CAPTURE(refusal);
    const Scratch scratch;
    const std::vector<std::string> here = together({"--set", "checkpoint.dir=store"}, kLong);
    StoppedJob first(training(scratch, refusal, here), scratch / "store");
    for (const int ranks : refusal[0] == '\0' ? std::vector{0, 2} : std::vector{0}) {
      const Finished second = run(training(scratch, refusal, here, ranks));
      CAPTURE(ranks, second.err);
      CHECK(second.status == 3);
      CHECK(lines_with(second.err, "error: store: " + first.in_words()).size() == 1);
      CHECK(lines_with(second.err, "error: ").size() == 1);  // of all ranks
    }
    const Finished finished = first.go_on();
    INFO(finished.err);
    CHECK(finished.status == 0);
    CHECK(steps_in(scratch / "store") == std::vector<std::int64_t>{50, 100, 150, 200});
    CHECK_FALSE(fs::exists(scratch / "store/owner.json"));
    only_run(scratch);
  }
}

TEST_CASE(
    "of two that resume one run the second is refused, and a killed one's place is taken over, and said") {
  const std::vector<std::string> longer = together({"--resume"}, kLong);
  for (const char* refusal : kRefusals) {
    CAPTURE(refusal);
    const Scratch scratch;
    run(training(scratch, refusal, {"--set", "job.steps=10"}));
    const fs::path store = only_run(scratch) / "checkpoints";
    StoppedJob killed(training(scratch, refusal, longer), store);
    killed.kill();
    StoppedJob first(training(scratch, refusal, longer), store);
    const Finished second = run(training(scratch, refusal, longer));
    INFO(second.err);
    CHECK(second.status == 3);
    CHECK(lines_with(second.err, first.in_words()).size() == 1);
    const Finished finished = first.go_on();
    INFO(finished.err);
    CHECK(finished.status == 0);
    CHECK(lines_with(finished.err, ": taken over from process ").size() == 1);
    CHECK(result_of(finished)["steps"] == "200");
    CHECK(steps_in(store) == std::vector<std::int64_t>{5, 10, 50, 100, 150, 200});
  }
}

TEST_CASE("a launch without locks is one launch's all the same, and goes on after its rank was killed") {
  const Scratch scratch;
  const auto launch = [&](const std::vector<std::string>& more) {
    return faulty_program(
        together({"launch", "job.toml", "--backoff", "10ms"}, more), scratch, 0,
        {{"FAULT_UNDER", "/"}, {"FAULT_CALLS", "flock"}, {"FAULT_COUNT", "0"}, {"FAULT_DO", "EOPNOTSUPP"}});
  };
  Process process(launch(kLong));
  std::optional<fs::path> begun;  // the run, once its rank has said that it is one
  const auto start = std::chrono::steady_clock::now();
  while (!begun && std::chrono::steady_clock::now() - start < kPatience) {
    std::error_code not_yet;
    for (const auto& run : fs::directory_iterator(scratch / "runs/tiny", not_yet))
      if (fs::exists(run.path() / "config.resolved.toml")) begun = run.path();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  REQUIRE(begun);
  const auto rank =
      base::parse_json(contents_of(*begun / "checkpoints/owner.json")).at("process").get<pid_t>();
  REQUIRE(::kill(rank, SIGSTOP) == 0);
  const Finished second = run(launch({"--resume", begun->string()}));
  CHECK(second.status == 3);
  CHECK(second.err.find("attempts.jsonl: in use by process ") != std::string::npos);
  REQUIRE(::kill(rank, SIGKILL) == 0);
  const Finished finished = process.wait(kPatience);
  INFO(finished.err);
  CHECK(finished.status == 0);
  CHECK(lines_with(finished.err, ": taken over from process ").size() == 1);
  CHECK(lines_with(finished.err, "sign of life").empty());  // at once
  CHECK(result_of(finished)["steps"] == "200");
}
