// eightfold launch: where it starts ranks, and what it does about hosts that do not answer.
#include "tests/launch/supervise/launch_stage.hpp"
#include "tests/support/test.hpp"

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a dry launch says what it would start, in a form that can be started") {
  const LaunchStage stage;
  Finished finished = stage.run({"--hosts", "a,b,c", "--nodes", "2", "--ranks-per-node", "3", "--dry-run",
                                 "--set", "job.seed=3", "--launcher-argument=--oversubscribe"});
  CHECK(finished.status == 0);
  CHECK(finished.out.starts_with("mpirun --host a:3,b:3 -np 6 --bind-to none --oversubscribe /"));
  CHECK(finished.out.find("/job.toml --set job.seed=3 --run-directory runs/tiny/2") != std::string::npos);
  CHECK(lines_with(finished.out, "").size() == 1);
  finished = stage.run({"--hosts", "a:4,b:2", "--dry-run"});
  CHECK(finished.out.starts_with("mpirun --host a:4,b:2 -np 6 --bind-to none /"));
  stage.scratch().file("hosts", "node1 slots=4\nnode2 slots=4 # new\nnode3 slots=1\n");
  finished = stage.run({"--hostfile", "hosts", "--nodes", "2", "--dry-run"});
  CHECK(finished.out.starts_with("mpirun --host node1:4,node2:4 -np 8 --bind-to none /"));
  finished = stage.run({"--hostfile", "hosts", "--ranks-per-node", "2", "--dry-run"});
  CHECK(finished.out.starts_with("mpirun --host node1:2,node2:2,node3:2 -np 6 --bind-to none /"));
  const std::string script = (source_directory() / "launch/netcluster.sh").string();
  finished = stage.run({"--launcher", "netcluster", "--netcluster", script, "--nodes", "2", "--dry-run"});
  CHECK(finished.out.starts_with(script + " run --name fold --hosts fold1,fold2 -np 2 -- /"));
  CHECK(stage.starts().empty());
  CHECK_FALSE(fs::exists(stage.scratch() / "runs"));

  finished = stage.run({"--ranks-per-node", "2", "--dry-run"});
  Command line = stage.command({});
  line.arguments.clear();
  std::istringstream words(finished.out);
  for (std::string word; words >> word;) line.arguments.push_back(word);
  finished = test::run(line, LaunchStage::kPatience);
  CAPTURE(finished.err);
  CHECK(finished.status == 0);
  CHECK(stage.scratch() / result_of(finished)["run_dir"] == stage.only_run());
}

TEST_CASE("a path means on other hosts what it means where the job was launched") {
  const LaunchStage stage;
  Command command = stage.command(
      {"--hosts", "a", "--dry-run", "--set", "checkpoint.dir=${PLACE}/kept", "--set", "job.run_dir=~/runs"});
  command.environment["PLACE"] = "/scratch/$me";
  command.environment["HOME"] = "/home/me";
  const Finished finished = test::run(command, LaunchStage::kPatience);
  CAPTURE(finished.out, finished.err);
  REQUIRE(finished.status == 0);
  CHECK(finished.out.find(" --set 'checkpoint.dir=/scratch/$$me/kept' --set job.run_dir=/home/me/runs ") !=
        std::string::npos);
  CHECK(finished.out.find("PLACE") == std::string::npos);
}

TEST_CASE("inside an allocation ranks are started by srun, as many as it was asked for") {
  const LaunchStage stage;
  Command command = stage.command({"--dry-run"});
  command.environment["SLURM_JOB_ID"] = "42";
  command.environment["SLURM_JOB_NUM_NODES"] = "2";
  command.environment["SLURM_NTASKS"] = "6";
  CHECK(
      run(command).out.starts_with("srun --mpi=pmix --nodes=2 --ntasks=6 --ntasks-per-node=3 "
                                   "--kill-on-bad-exit=1 /"));
  command.environment["SLURM_NTASKS"] = "5";
  const Finished uneven = run(command);
  CHECK(uneven.status == 2);
  CHECK(uneven.err.find("--ranks-per-node says how many") != std::string::npos);
  command.arguments.insert(command.arguments.end(), {"--hosts", "a"});
  CHECK(run(command).out.starts_with("mpirun --host a:1 -np 1 "));
}

TEST_CASE("a host that does not answer is left out, and the batch stays") {
  const LaunchStage stage(kTinyJob,
                          "if [ $start = 1 ]; then exit 3; fi\n"
                          "echo '{\"kind\":\"end\"}' >$(echo runs/tiny/*)/metrics.jsonl",
                          "case $* in *b:1*) exit 1 ;; esac; exit 0");
  const Finished finished = stage.run({"--hosts", "a,b,c", "--ranks-per-node", "2"});
  CAPTURE(finished.err);
  CHECK(finished.status == 0);
  CHECK(lines_with(finished.err, "no answer from b; attempt 2 on a, c in 10ms").size() == 1);
  const Words starts = stage.starts();
  REQUIRE(starts.size() == 2);
  CHECK(starts[0].starts_with("--host a:2,b:2,c:2 -np 6 "));
  CHECK(starts[0].find("--resume") == std::string::npos);
  CHECK(starts[1].starts_with("--host a:2,c:2 -np 4 "));
  CHECK(starts[1].find(" --set job.micro_batch=11 --run-directory runs/tiny/") != std::string::npos);
  CHECK(starts[1].ends_with(" --resume"));
  CHECK(stage.attempts()[1]["hosts"] == Json({"a", "c"}));
}

TEST_CASE("the batch stays where hosts have different numbers of ranks and one of them is left out") {
  const LaunchStage stage(kTinyJob,
                          "if [ $start = 1 ]; then exit 3; fi\n"
                          "echo '{\"kind\":\"end\"}' >$(echo runs/tiny/*)/metrics.jsonl",
                          "case $* in *b:1*) exit 1 ;; esac; exit 0");
  const Finished finished = stage.run({"--hosts", "a:3,b:2,c"});
  CAPTURE(finished.err);
  CHECK(finished.status == 0);
  CHECK(lines_with(finished.err, "attempt 1: 6 ranks by mpirun").size() == 1);
  const Words starts = stage.starts();
  REQUIRE(starts.size() == 2);
  CHECK(starts[0].starts_with("--host a:3,b:2,c:1 -np 6 "));
  CHECK(starts[1].starts_with("--host a:3,c:1 -np 4 "));
  CHECK(starts[1].find(" --set job.micro_batch=11 ") != std::string::npos);
  CHECK(stage.attempts()[1]["ranks"] == 4);
}

TEST_CASE("hosts that nobody can be started on are the end, with the words of what reaches them") {
  const std::string unknown = "echo 'ssh: Could not resolve hostname b: Name or service not known' >&2; ";
  const std::string down = "echo 'ssh: connect to host b port 22: Connection refused' >&2; ";
  const std::string unwell = "echo ----------- >&2; echo daemons cannot be started >&2; exit 255";
  const struct {
    std::string hosts, answer, cause;
  } rows[] = {
      {"b", unknown + unwell,
       "no answer from b: ssh: Could not resolve hostname b: Name or service not known"},
      {"a,b", "case $* in *b:1*) " + unknown + unwell + " ;; esac; exit 0",
       "no answer from b: ssh: Could not resolve hostname b: Name or service not known"},
      {"a,b", down + unwell,
       "no answer from a: ssh: connect to host b port 22: Connection refused; "
       "no answer from b: ssh: connect to host b port 22: Connection refused"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.cause);
    const LaunchStage stage(kTinyJob, unknown + unwell, row.answer);
    const Finished finished = stage.run({"--hosts", row.hosts});
    CAPTURE(finished.err);
    CHECK(finished.status == 3);
    CHECK(stage.starts().size() == 1);
    CHECK(lines_with(finished.err, "step 0 (" + row.cause + "); another attempt would end the same").size() ==
          1);
    CHECK(stage.attempts().at(0)["error"] == row.cause);
  }
}

TEST_CASE("hosts that ranks have run on may come back") {
  const LaunchStage stage(
      kTinyJob, "mkdir $(echo runs/tiny/*)/flight; exit 255",
      "echo 'ssh: Could not resolve hostname b: Name or service not known' >&2; exit 255");
  const Finished finished = stage.run({"--hosts", "a,b", "--max-restarts", "1"});
  CAPTURE(finished.err);
  CHECK(finished.status == 5);
  CHECK(stage.starts().size() == 2);
}

TEST_CASE("what another host was to mend and did not is the end, though a host is missing") {
  const LaunchStage stage(kTinyJob, "exit 3", "case $* in *b:1*) exit 1 ;; esac; exit 0");
  const Finished finished = stage.run({"--hosts", "a,b"});
  CAPTURE(finished.err);
  CHECK(finished.status == 3);
  CHECK(stage.starts().size() == 2);
  CHECK(lines_with(finished.err, "on the same hosts another attempt would end the same").size() == 1);
}
