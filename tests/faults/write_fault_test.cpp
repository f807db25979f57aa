// A machine that refuses to write: checkpoints are lost, training is not.
#include "runtime/checkpoint/store.hpp"
#include "tests/faults/faulty_program.hpp"
#include "tests/support/test.hpp"

#include <sys/stat.h>

#include <algorithm>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

using Faults = std::map<std::string, std::string>;
using Steps = std::vector<std::int64_t>;

// What is written of a checkpoint before it is one.
constexpr const char* kDraft = "/checkpoints/.tmp-";

const std::vector<std::string> kFeedback = {"--set", "exchange.codec=linear8", "--set",
                                            "exchange.error_feedback=on"};

// Steps of the complete checkpoints; -1 for what is not complete or was left behind.
Steps steps_in(const fs::path& store) {
  Steps steps;
  for (const auto& listed : runtime::checkpoint::list(store))
    steps.push_back(listed.manifest ? listed.manifest->step : -1);
  for (const auto& entry : fs::directory_iterator(store))
    if (!entry.path().filename().string().starts_with("step-")) steps.push_back(-1);
  return steps;
}

// The run that a job in `scratch` made.
fs::path run_in(const Scratch& scratch) {
  return fs::directory_iterator(scratch / "runs/tiny")->path();
}

}  // namespace

TEST_CASE("a write that fails once costs one checkpoint, says why, and nothing else") {
  const std::string expected = undisturbed_hash(0);
  for (const auto& [calls, error, reason] :
       {std::tuple{"write", "ENOSPC", "No space left on device"},
        std::tuple{"write", "EDQUOT", "Disk quota exceeded"}, std::tuple{"sync", "EIO", "Input/output error"},
        std::tuple{"write", "EFBIG", "File too large"}, std::tuple{"syncdir", "EIO", "Input/output error"},
        std::tuple{"syncdir", "ENOSPC", "No space left on device"},
        std::tuple{"rename", "EIO", "Input/output error"}, std::tuple{"mkdir", "EACCES", "Permission denied"},
        std::tuple{"open", "EROFS", "Read-only file system"},
        std::tuple{"statvfs", "ENOSPC", "0 bytes are free, a checkpoint needs "}}) {
    CAPTURE(calls, error);
    const Scratch scratch;
    const char* under = calls == std::string("statvfs") ? "/checkpoints" : kDraft;
    const Finished finished = run(
        faulty_training(scratch, 0, {{"FAULT_UNDER", under}, {"FAULT_CALLS", calls}, {"FAULT_DO", error}}));
    INFO(finished.err);
    CHECK(finished.status == 0);
    const auto lines = lines_with(finished.err, "error: the checkpoint of step 5 could not be written: ");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find(reason) != std::string::npos);
    CHECK(lines[0].ends_with("; training goes on"));
    CHECK(result_of(finished)["weight_hash"] == expected);
    CHECK(steps_in(run_in(scratch) / "checkpoints") == Steps{10, 15, 20, 25, 30});
    CHECK(records_of(run_in(scratch), "checkpoint_failure").at(0).at("step") == 5);
  }
}

TEST_CASE("a run whose last checkpoint fails ends with code 3, its result and the newest step on all ranks") {
  for (const int ranks : {0, 1, 2, 3}) {
    for (const std::string mode : {"true", "false"}) {
      CAPTURE(ranks, mode);
      const Scratch scratch;
      const Finished finished = run(faulty_training(
          scratch, ranks,
          {{"FAULT_CALLS", "statvfs"}, {"FAULT_FROM", "2"}, {"FAULT_COUNT", "0"}, {"FAULT_DO", "ENOSPC"}},
          {"--set", "checkpoint.asynchronous=" + mode}));
      INFO(finished.err);
      CHECK(finished.status == 3);
      CHECK(result_of(finished)["steps"] == "30");
      CHECK(lines_with(finished.err, "could not be written").size() == 6);  // five failed, one verdict
      const auto verdict = lines_with(finished.err, "/checkpoints/step-00000005 (step 5)");
      REQUIRE(verdict.size() == 1);
      CHECK(verdict[0].find("error: the checkpoint of step 30 could not be written: no space in ") !=
            std::string::npos);
      CHECK(steps_in(run_in(scratch) / "checkpoints") == Steps{5});
    }
  }
}

TEST_CASE("a run that could never write a checkpoint says that there is none") {
  const Scratch scratch;
  const Finished finished = run(faulty_training(
      scratch, 2,
      {{"FAULT_UNDER", kDraft}, {"FAULT_CALLS", "write"}, {"FAULT_COUNT", "0"}, {"FAULT_DO", "EIO"}}));
  INFO(finished.err);
  CHECK(finished.status == 3);
  CHECK(lines_with(finished.err, "weights.safetensors: Input/output error; there is none").size() == 1);
  CHECK(steps_in(run_in(scratch) / "checkpoints").empty());
}

TEST_CASE(
    "a store whose owner cannot be written down at first costs a warning, and for good the checkpoints") {
  for (const char* count : {"1", "0"}) {
    CAPTURE(count);
    const Scratch scratch;
    const Finished finished = run(faulty_training(scratch, 0,
                                                  {{"FAULT_UNDER", "/owner.json"},
                                                   {"FAULT_CALLS", "open"},
                                                   {"FAULT_COUNT", count},
                                                   {"FAULT_DO", "EROFS"}}));
    INFO(finished.err);
    const bool is_lasting = count == std::string("0");
    CHECK(finished.status == (is_lasting ? 3 : 0));
    CHECK(result_of(finished)["steps"] == "30");
    CHECK(lines_with(finished.err, "owner.json: Read-only file system; no checkpoint can be written as long")
              .size() == 1);
    const fs::path store = run_in(scratch) / "checkpoints";
    CHECK(steps_in(store) == (is_lasting ? Steps() : Steps{5, 10, 15, 20, 25, 30}));
  }
}

TEST_CASE("residuals that cannot be written cost the checkpoint, and no rank waits for ever") {
  const std::string expected = undisturbed_hash(3, kFeedback);
  const Scratch scratch;
  const Finished finished = run(faulty_training(
      scratch, 3,
      {{"FAULT_UNDER", kDraft}, {"FAULT_CALLS", "write"}, {"FAULT_FROM", "5"}, {"FAULT_DO", "ENOSPC"}},
      kFeedback));
  INFO(finished.err);
  CHECK(finished.status == 0);
  CHECK(lines_with(finished.err, "residual-00001.safetensors: No space left on device; training goes on")
            .size() == 1);
  CHECK(result_of(finished)["weight_hash"] == expected);
  CHECK(steps_in(run_in(scratch) / "checkpoints") == Steps{10, 15, 20, 25, 30});
}

TEST_CASE("writes that are cut short are continued") {
  const Scratch scratch;
  const Finished finished = run(
      faulty_training(scratch, 0, {{"FAULT_CALLS", "write"}, {"FAULT_COUNT", "60"}, {"FAULT_DO", "short"}}));
  INFO(finished.err);
  CHECK(finished.status == 0);
  for (const auto& listed : runtime::checkpoint::list(run_in(scratch) / "checkpoints"))
    CHECK_NOTHROW(runtime::checkpoint::verify(listed.directory, listed.manifest.value()));
}

TEST_CASE("what is written while training goes on is the state of its step, bit for bit") {
  for (const std::vector<std::string>& exchange : {std::vector<std::string>(), kFeedback}) {
    const Scratch waited, moved_on;
    std::vector<std::string> waits = exchange;
    waits.insert(waits.end(), {"--set", "checkpoint.asynchronous=false"});
    run(faulty_training(waited, 2, {}, waits));
    const Finished finished = run(faulty_training(
        moved_on, 2, {{"FAULT_CALLS", "write,sync"}, {"FAULT_COUNT", "0"}, {"FAULT_DO", "delay"}}, exchange));
    CHECK(finished.status == 0);
    // It was behind: steps take a millisecond, a checkpoint more than 200.
    CHECK_FALSE(lines_with(finished.err, "the checkpoint before its own is still being written").empty());
    const fs::path slow = run_in(moved_on) / "checkpoints", quick = run_in(waited) / "checkpoints";
    REQUIRE(steps_in(slow) == Steps{5, 10, 15, 20, 25, 30});
    for (const auto& entry : fs::recursive_directory_iterator(slow)) {
      if (entry.path().extension() != ".safetensors") continue;
      INFO(entry.path());
      CHECK(contents_of(entry.path()) == contents_of(quick / fs::relative(entry.path(), slow)));
    }
  }
}

TEST_CASE("records that cannot be written are lost, counted and said, and the run is not") {
  const Scratch scratch;
  const Finished finished = run(faulty_training(scratch, 0,
                                                {{"FAULT_UNDER", "metrics.jsonl"},
                                                 {"FAULT_CALLS", "write"},
                                                 {"FAULT_FROM", "2"},
                                                 {"FAULT_COUNT", "3"},
                                                 {"FAULT_DO", "ENOSPC"}}));
  INFO(finished.err);
  CHECK(finished.status == 0);
  CHECK(lines_with(finished.err, "metrics.jsonl: No space left on device; records are lost").size() == 1);
  CHECK(lines_with(finished.err, "warning: metrics.jsonl lacks up to 2 records").size() == 1);
  CHECK(records_of(run_in(scratch), "begin").size() == 1);
  CHECK(records_of(run_in(scratch), "end").size() == 1);
}

TEST_CASE("an attempt that launch cannot note down costs its line, and the job is done") {
  for (const char* fault : {"ENOSPC", "short"}) {
    CAPTURE(fault);
    const Scratch scratch;
    const Finished finished = run(
        faulty_program({"launch", "job.toml"}, scratch, 0,
                       {{"FAULT_UNDER", "attempts.jsonl"}, {"FAULT_CALLS", "write"}, {"FAULT_DO", fault}}));
    INFO(finished.err);
    CHECK(finished.status == 0);
    CHECK(result_of(finished)["steps"] == "30");
    CHECK(lines_with(finished.err, "warning: ").size() == 1);
    CHECK(lines_with(finished.err, "attempts.jsonl: No space left on device; the attempt is not on record")
              .size() == 1);
    CHECK(contents_of(run_in(scratch) / "attempts.jsonl").empty());
  }
}

TEST_CASE("a run directory is its owner's alone, whatever the umask") {
  const Scratch scratch;
  const mode_t before = ::umask(0);
  run(faulty_training(scratch, 2, {}));
  ::umask(before);
  const auto others = fs::perms::group_all | fs::perms::others_all;
  for (const fs::path& directory : {scratch / "runs", scratch / "runs/tiny", run_in(scratch)})
    CHECK((fs::status(directory).permissions() & others) == fs::perms::none);
}

TEST_CASE(
    "a file system that cannot sync is said once, one that cannot lock not at all, and files are written") {
  for (const auto& [calls, error] :
       {std::pair{"syncdir", "EINVAL"}, std::pair{"syncdir", "ENOSYS"}, std::pair{"sync", "EOPNOTSUPP"}}) {
    CAPTURE(calls, error);
    const Scratch scratch;
    const Finished finished =
        run(faulty_training(scratch, 0, {{"FAULT_CALLS", calls}, {"FAULT_COUNT", "0"}, {"FAULT_DO", error}}));
    INFO(finished.err);
    CHECK(finished.status == 0);
    CHECK(lines_with(finished.err, "warning: ").size() == 1);
    CHECK(lines_with(finished.err, "may be lost if the machine goes down").size() == 1);
    CHECK(steps_in(run_in(scratch) / "checkpoints") == Steps{5, 10, 15, 20, 25, 30});
  }
  const Scratch scratch;
  const Finished finished = run(faulty_program({"launch", "job.toml"}, scratch, 0,
                                               {{"FAULT_UNDER", "attempts.jsonl"},
                                                {"FAULT_CALLS", "flock"},
                                                {"FAULT_COUNT", "0"},
                                                {"FAULT_DO", "ENOLCK"}}));
  INFO(finished.err);
  CHECK(finished.status == 0);
  CHECK(lines_with(contents_of(run_in(scratch) / "attempts.jsonl"), "\"next\":\"done\"").size() == 1);
}
