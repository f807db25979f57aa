// eightfold launch, with the mpirun of this machine and with launchers that misbehave.
#include "kernels/base/flight_record.hpp"
#include "launch/supervise/attempt_log.hpp"
#include "tests/launch/refusals.hpp"
#include "tests/launch/supervise/launch_stage.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <optional>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

// Slow enough to be met in the middle.
const std::string kLongJob = R"(
[job]
name = "tiny"
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
kind = "linear"
out = 10
[optimizer]
learning_rate = 0.02
momentum = 0.9
[evaluation]
every = 0
[checkpoint]
every = 20
)";

// Launches the job, kills a rank once `when` holds, and waits for the end.
Finished run_with_kill(const LaunchStage& stage, int rank, const std::function<bool()>& when) {
  Process process(stage.command({"--ranks-per-node", "2"}));
  const auto begin = std::chrono::steady_clock::now();
  bool was_killed = false;
  while (!was_killed && std::chrono::steady_clock::now() - begin < LaunchStage::kPatience &&
         !process.ends_within(std::chrono::milliseconds(1))) {
    if (!when()) continue;
    const std::optional<pid_t> victim = stage.rank(rank);
    was_killed = victim && ::kill(*victim, SIGKILL) == 0;
  }
  const Finished finished = process.wait(LaunchStage::kPatience);
  CAPTURE(finished.out, finished.err);
  CHECK(was_killed);
  CHECK(finished.status == 0);
  return finished;
}

std::string undisturbed_hash() {
  static const std::string hash = [] {
    const Scratch scratch;
    scratch.file("job.toml", kLongJob);
    return result_of(run_program({"train", "job.toml"}, 2, scratch.path()))["weight_hash"];
  }();
  return hash;
}

Words launch_with(const Words& more) {
  Words all = {"launch", "job.toml"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

TEST_CASE("a launched job that nothing disturbs is a job") {
  const LaunchStage stage;
  const Finished finished = stage.run({"--ranks-per-node", "2"});
  CAPTURE(finished.err);
  CHECK(finished.status == 0);
  auto result = result_of(finished);
  CHECK(result["steps"] == "30");
  CHECK(stage.scratch() / result["run_dir"] == stage.only_run());
  CHECK(stage.starts().size() == 1);
  const auto attempts = stage.attempts();
  REQUIRE(attempts.size() == 1);
  CHECK(attempts[0]["exit_code"] == 0);
  CHECK(attempts[0]["ranks"] == 2);
  CHECK(attempts[0]["left_at_step"] == 30);
  CHECK(lines_with(finished.err, "info: attempt 1: 2 ranks by mpirun").size() == 1);
}

TEST_CASE("a rank that is killed costs time and nothing else") {
  for (const int rank : {0, 1}) {
    CAPTURE(rank);
    const LaunchStage stage(kLongJob);
    const Finished finished = run_with_kill(stage, rank, [&] { return stage.has_checkpoint(); });
    auto result = result_of(finished);
    CHECK(result["weight_hash"] == undisturbed_hash());
    CHECK(result["steps"] == "100");
    CHECK(stage.scratch() / result["run_dir"] == stage.only_run());
    const auto attempts = stage.attempts();
    REQUIRE(attempts.size() == 2);
    CHECK(attempts[0]["exit_code"] == 128 + SIGKILL);
    CHECK(attempts[0]["begun_at_step"] == 0);
    CHECK(attempts[0]["left_at_step"] >= 20);
    CHECK(attempts[1]["begun_at_step"] == attempts[0]["left_at_step"]);
    CHECK(attempts[1]["exit_code"] == 0);
    CHECK(records_of(stage.only_run(), "begin").back()["step"] == attempts[1]["begun_at_step"]);
    // What the ranks of the first attempt did last stays to be read beside what those of the second did.
    for (const int each : {0, 1}) {
      const auto first = base::read_flight_record(base::flight_file(stage.only_run() / "flight-1", each));
      const auto second = base::read_flight_record(base::flight_file(stage.only_run() / "flight", each));
      REQUIRE((first && second));
      CHECK(first->step < 100);
      CHECK(second->phase == base::Phase::ended);
    }
  }
}

TEST_CASE("a rank that is killed before the first checkpoint begins again in the same directory") {
  const LaunchStage stage(kLongJob);
  const Finished finished = run_with_kill(stage, 1, [] { return true; });
  CHECK(result_of(finished)["weight_hash"] == undisturbed_hash());
  CHECK_FALSE(stage.only_run().empty());
  REQUIRE(stage.attempts().size() == 2);
  CHECK(stage.attempts()[1]["begun_at_step"] == 0);
}

TEST_CASE("a launcher that does not end after its ranks is ended, and the job started again") {
  // Of the second attempt nothing is written: what lies there is of the first.
  const LaunchStage stage(kTinyJob,
                          "if [ $start = 1 ]; then\nflight=$(echo runs/tiny/*)/flight; mkdir $flight\n"
                          "echo 'error: watchdog: late' | tee $flight/report.txt >&2; exec sleep 1000\nfi\n"
                          "sleep 7; exec \"$REAL\" \"$@\"");
  const Finished finished = stage.run({});
  CAPTURE(finished.err);
  CHECK(finished.status == 0);
  const std::string why = "attempt 1 ended with a launcher that did not end after its ranks after ";
  CHECK(lines_with(finished.err, why).size() == 1);
  const auto attempts = stage.attempts();
  REQUIRE(attempts.size() == 2);
  CHECK_FALSE(attempts[0].contains("exit_code"));
  CHECK(attempts[0]["error"] == "error: watchdog: late");
  CHECK(attempts[0]["seconds"] >= 5);
  CHECK(attempts[1]["exit_code"] == 0);
}

TEST_CASE("what dies every time is given up at the limit") {
  const LaunchStage stage(kTinyJob, "echo 'error: out of luck' >&2; exit 137");
  const Finished finished = stage.run({"--max-restarts", "2"});
  CAPTURE(finished.err);
  CHECK(finished.status == 5);
  CHECK(stage.starts().size() == 3);
  CHECK(stage.attempts().size() == 3);
  CHECK(stage.attempts()[2]["error"] == "error: out of luck");
  CHECK(lines_with(finished.err, "error: attempt 3 ended with exit code 137 (signal 9)").size() == 1);
  CHECK(lines_with(finished.err, "attempt 2 on the same nodes in 10ms").size() == 1);
  CHECK(lines_with(finished.err, "attempt 3 on the same nodes in 20ms").size() == 1);
  CHECK_FALSE(stage.only_run().empty());
}

TEST_CASE("a folder of checkpoints that cannot be read between attempts does not end the launch") {
  const LaunchStage stage(kTinyJob,
                          "store=$(echo runs/tiny/*)/checkpoints\n"
                          "if [ $start = 1 ]; then rm -rf $store; ln -s checkpoints $store; exit 137; fi\n"
                          "rm $store; exec \"$REAL\" \"$@\"");
  const Finished finished = stage.run({});
  CAPTURE(finished.err);
  CHECK(finished.status == 0);
  CHECK(lines_with(finished.err, "Too many levels of symbolic links").size() == 2);  // after and before
  CHECK(stage.attempts().size() == 2);
  CHECK(stage.has_checkpoint());
}

TEST_CASE("a launcher of several hosts that ends before the run, and tells of no failure, is started again") {
  const LaunchStage stage(kTinyJob,
                          "run=$(echo runs/tiny/*)\n"
                          "if [ $start = 1 ]; then touch $run/config.resolved.toml; exit 0; fi\n"
                          "echo '{\"kind\":\"begin\"}{\"kind\":\"end\"}' >$run/metrics.jsonl");
  const Finished finished = stage.run({"--hosts", "a,b"});
  CAPTURE(finished.err);
  CHECK(finished.status == 0);
  CHECK(lines_with(finished.err, "attempt 1 ended with exit code 0").size() == 1);
  CHECK(stage.attempts().size() == 2);
}

TEST_CASE("a launcher of several hosts is believed no more when the run has begun again since its last end") {
  const LaunchStage stage(kTinyJob,
                          "run=$(echo runs/tiny/*)\n"
                          "touch $run/config.resolved.toml\n"
                          "echo '{\"kind\":\"end\"}{\"kind\":\"begin\"}' >$run/metrics.jsonl");
  const Finished finished = stage.run({"--hosts", "a,b", "--max-restarts", "1"});
  CAPTURE(finished.err);
  CHECK(finished.status == 5);
  CHECK(stage.attempts().size() == 2);
}

TEST_CASE("the ranks of one host are believed that they are done, though nothing could be recorded") {
  const LaunchStage stage(kTinyJob, "\"$REAL\" \"$@\"; rm runs/tiny/*/metrics.jsonl");
  const Finished finished = stage.run({});
  CAPTURE(finished.err);
  CHECK(finished.status == 0);
  CHECK(stage.attempts().size() == 1);
}

TEST_CASE("what would end the same is launched once") {
  const LaunchStage stage;
  Finished finished = stage.run({"--set", "job.sede=1"});
  CHECK(finished.status == 2);
  CHECK(stage.starts().empty());
  finished = stage.run({"--ranks-per-node", "2", "--set", "job.global_batch=1"});  // only ranks know
  CHECK(finished.status == 2);
  CHECK(stage.starts().size() == 1);
  for (const int code : {1, 3, 4, 7, 75}) {
    const LaunchStage other(kTinyJob, fmt::format("exit {}", code));
    CHECK(other.run({}).status == (code == 1 ? 3 : code));  // mpirun's 1: it could not start anything
    CHECK(other.starts().size() == 1);
  }
}

TEST_CASE("a launch that is asked to end lets the job write a checkpoint, and says how to go on") {
  // The job takes SIGUSR1 as it should, or dies of it, or pays no heed until the second request.
  const struct {
    std::string does;
    int asks;
  } rows[] = {{"trap 'exit 75' USR1; kill -TERM $PPID; while :; do sleep 0.01; done", 1},
              {"kill -INT $PPID; exec sleep 1000", 1},
              {"trap '' USR1; kill -USR1 $PPID; sleep 1; kill -TERM $PPID; exec sleep 1000", 2}};
  for (const auto& row : rows) {
    CAPTURE(row.does);
    const LaunchStage stage(kTinyJob, row.does);
    const Finished finished = stage.run({});
    CAPTURE(finished.err);
    CHECK(finished.status == 75);
    CHECK(stage.starts().size() == 1);
    CHECK(lines_with(finished.err, "info: attempt 1 ended with ").size() == 1);
    CHECK(lines_with(finished.err, "error:").empty());
    CHECK(lines_with(finished.err, "asked to end by signal").size() == 1);
    CHECK(lines_with(finished.err, "--resume runs/tiny/").size() == 1);
  }
}

TEST_CASE("a launched run goes on in a later launch, numbers its attempts on, and is one launch's") {
  const LaunchStage stage(kTinyJob, "if [ $start = 1 ]; then exit 75; fi; exec \"$REAL\" \"$@\"");
  CHECK(stage.run({}).status == 75);
  const fs::path run = stage.only_run();
  const std::string name = fs::relative(run, stage.scratch().path()).string();
  stage.scratch().file(name + "/config.resolved.toml", kTinyJob);  // as if it had begun
  {
    const launch::supervise::AttemptLog held(run);
    const Finished second = stage.run({"--resume", name});
    CHECK(second.status == 3);
    CHECK(second.err.find("another launch is writing to it") != std::string::npos);
  }
  const Finished finished = stage.run({"--resume", name});
  CAPTURE(finished.err);
  CHECK(finished.status == 0);
  CHECK(stage.only_run() == run);
  REQUIRE(stage.attempts().size() == 2);
  CHECK(stage.attempts()[1]["attempt"] == 2);
}

TEST_CASE("a fresh run does not begin in the directory of another") {
  const Scratch scratch;
  scratch.file("job.toml", kTinyJob);
  const Words arguments = {"train", "job.toml", "--run-directory", "here"};
  CHECK(result_of(run_program(arguments, 0, scratch.path()))["run_dir"] == "here");
  const Finished again = run(program(arguments, 0, scratch.path()));
  CHECK(again.status == 2);
  CHECK(lines_with(again.err, "error: --run-directory: here holds a run already").size() == 1);
  Words resumed = arguments;
  resumed.emplace_back("--resume");
  CHECK(result_of(run_program(resumed, 0, scratch.path()))["steps"] == "30");
  CHECK_FALSE(fs::exists(scratch / "runs"));
}

TEST_CASE("a launch that is wrong is refused before anything is started") {
  check_refusals({
      {"a host that is a command",
       launch_with({"--hosts", "a,$(touch x)"}),
       2,
       {"--hosts", "$(touch x)", "letters, digits"}},
      {"a host that is an option",
       launch_with({"--hosts=-oProxyCommand=x"}),
       2,
       {"--hosts", "-oProxyCommand=x", "no hyphen first"}},
      {"a host with a blank", launch_with({"--hosts", "a b"}), 2, {"\"a b\" is no name of a host"}},
      {"a host of two lines", launch_with({"--hosts", "a\nb"}), 2, {"\"a\\u000Ab\" is no name of a host"}},
      {"a host in a hostfile that is an option",
       launch_with({"--hostfile", "hosts"}),
       2,
       {"hosts:2: \"-oProxyCommand=x\" is no name of a host"},
       [](const Scratch& scratch) { scratch.file("hosts", "a\n-oProxyCommand=x\n"); }},
      {"a hostfile that is not there", launch_with({"--hostfile", "none"}), 2, {"--hostfile", "none"}},
      {"more nodes than hosts",
       launch_with({"--nodes", "3", "--hosts", "a,b"}),
       2,
       {"--nodes 3", "there are 2"}},
      {"an unknown launcher", launch_with({"--launcher", "qsub"}), 2, {"--launcher qsub", "mpirun, srun"}},
      {"netcluster without nodes",
       launch_with({"--launcher", "netcluster", "--netcluster", "job.toml"}),
       2,
       {"--nodes has to say"}},
      {"srun outside an allocation, without nodes",
       launch_with({"--launcher", "srun"}),
       2,
       {"--nodes has to say"}},
      {"a wait without a unit", launch_with({"--backoff", "5"}), 2, {"--backoff 5", "duration"}},
      {"a run that is none", launch_with({"--resume", "."}), 2, {"--resume: . is no directory of a run"}},
      {"a job that is wrong", launch_with({"--set", "job.sede=1"}), 2, {"job.sede", "seed"}},
      {"a result into no directory", launch_with({"--json", "no/r.json"}), 2, {"--json", "no/r.json"}},
  });
}
