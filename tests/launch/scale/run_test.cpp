// eightfold scale run, with the mpirun of this machine and with launchers that misbehave.
#include "launch/scale/results_file.hpp"
#include "tests/launch/refusals.hpp"
#include "tests/launch/supervise/scripted_launcher.hpp"
#include "tests/support/test.hpp"

#include <filesystem>
#include <set>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

constexpr auto kPatience = std::chrono::seconds(120);
const std::string kResults = "r.jsonl";

// Where `eightfold scale run` is tried.
class Workbench {
 public:
  explicit Workbench(const std::string& then = kRealLauncher) : launcher_(kTinyJob, then) {}

  Command command(const Words& arguments) const {
    Words all = {"scale", "run", "job.toml", "--results", kResults, "--steps", "2", "--warmup", "0"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return launcher_.command(all);
  }
  Finished run(const Words& arguments) const { return test::run(command(arguments), kPatience); }

  std::size_t starts() const { return launcher_.starts().size(); }
  std::size_t lines() const {
    const fs::path file = scratch() / kResults;
    return fs::exists(file) ? lines_with(contents_of(file), "{").size() : 0;
  }
  std::vector<runtime::scale::Measurement> results() const {
    return runtime::scale::read_measurements(scratch() / kResults);
  }
  const Scratch& scratch() const { return launcher_.scratch(); }

 private:
  ScriptedLauncher launcher_;
};

void check_result(const Finished& finished, int points, int measured, int failed, int skipped) {
  CAPTURE(finished.out, finished.err);
  auto result = result_of(finished);
  CHECK(result["points"] == std::to_string(points));
  CHECK(result["measured"] == std::to_string(measured));
  CHECK(result["failed"] == std::to_string(failed));
  CHECK(result["skipped"] == std::to_string(skipped));
  CHECK(result["results"] == kResults);
}

Words scale(const Words& more) {
  Words all = {"scale", "run", "job.toml", "--results", kResults};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

TEST_CASE("scale run measures all points by turns, and none twice") {
  const Workbench bench;
  const Words arguments = {"--ranks-per-node", "1,2", "--codec", "none,dynamic-tree8", "--repeats", "2"};
  Finished finished = bench.run(arguments);
  REQUIRE(finished.status == 0);
  // One rank exchanges nothing, and is a point once; two do with one codec and without.
  check_result(finished, 3, 6, 0, 0);
  CHECK(lines_with(finished.out, "1 rank, no exchange, weak, 64 samples, repeat ").size() == 2);
  const auto results = bench.results();
  REQUIRE(results.size() == 6);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto& each = results[i];
    CHECK(each.repeat == static_cast<int>(i / 3));
    CHECK(each.point.ranks_per_node == (i % 3 == 0 ? 1 : 2));
    CHECK(each.point.codec == (i % 3 == 2 ? "dynamic-tree8" : "none"));
    CHECK(each.point.global_batch == 64 * each.point.ranks());
    REQUIRE(each.figures);
    CHECK(each.figures->step_ms > 0);
    CHECK((each.figures->codec_ms > 0) == (i % 3 == 2));
    const auto environment = nlohmann::json::parse(each.environment);
    CHECK(environment["ranks"] == each.point.ranks());
    CHECK(environment.contains("build"));
    CHECK(each.experiment == results[0].experiment);
  }
  CHECK(lines_with(finished.out, "medians").size() == 1);
  CHECK_FALSE(fs::exists(bench.scratch() / (kResults + ".step.json")));

  finished = bench.run(arguments);
  check_result(finished, 3, 0, 0, 6);
  CHECK(bench.starts() == 6);
  // More of the same experiment: what is new is measured.
  finished = bench.run({"--ranks-per-node", "1,2", "--codec", "bf16", "--repeats", "1"});
  check_result(finished, 2, 1, 0, 1);
  CHECK(bench.starts() == 7);
}

TEST_CASE("after a kill, scale run repeats no point that it had finished") {
  const Workbench bench;
  const Words arguments = {"--batch", "weak,strong", "--repeats", "4"};
  {
    Process process(bench.command(arguments));
    const auto begin = std::chrono::steady_clock::now();
    while (bench.lines() < 2 && std::chrono::steady_clock::now() - begin < kPatience &&
           !process.ends_within(std::chrono::milliseconds(2))) {
    }
    process.kill();
    process.wait(kPatience);
  }
  const std::size_t lines = bench.results().size(), starts = bench.starts();
  REQUIRE(lines >= 2);
  REQUIRE(lines < 8);
  // As if the kill had come in the middle of a line.
  bench.scratch().file(kResults, contents_of(bench.scratch() / kResults) + R"({"experiment":"ti)");

  const Finished finished = bench.run(arguments);
  REQUIRE(finished.status == 0);
  check_result(finished, 2, static_cast<int>(8 - lines), 0, static_cast<int>(lines));
  CHECK(lines_with(finished.err, "the last line was torn").size() == 1);
  CHECK(bench.starts() - starts == 8 - lines);
  CHECK(bench.lines() == 8);
  std::set<std::pair<runtime::scale::Point, int>> distinct;
  for (const auto& each : bench.results()) distinct.emplace(each.point, each.repeat);
  CHECK(distinct.size() == 8);
}

TEST_CASE("a point that fails is recorded, and tried again only on request") {
  const Workbench bench;
  const Words arguments = {"--ranks-per-node", "1,2", "--codec",   "fp32", "--batch", "strong",
                           "--global-batch",   "1",   "--repeats", "1"};
  Finished finished = bench.run(arguments);
  CHECK(finished.status == 0);
  check_result(finished, 2, 1, 1, 0);
  const auto results = bench.results();
  REQUIRE(results.size() == 2);
  CHECK(results[0].figures);
  CHECK_FALSE(results[1].figures);
  CHECK(results[1].failure.starts_with("exit code 2: "));
  CHECK(results[1].failure.find("1 sample cannot be shared by 2 ranks") != std::string::npos);

  check_result(bench.run(arguments), 2, 0, 0, 2);
  CHECK(bench.starts() == 2);
  Words again = arguments;
  again.emplace_back("--retry-failed");
  check_result(bench.run(again), 2, 0, 1, 1);
  CHECK(bench.starts() == 3);
  CHECK(bench.results().size() == 2);
}

TEST_CASE("whatever a launcher does is a failure of its point") {
  const struct {
    std::string does, failure, limit = "100s";
  } rows[] = {
      {"echo 'mpirun is unwell' >&2; echo ------ >&2; exit 9", "exit code 9: mpirun is unwell"},
      {"printf '%s\\n' a ----------- 'no slots' b ----------- c >&2; exit 1", "exit code 1: no slots"},
      {"exit 1", "exit code 1: nothing on standard error"},
      {"kill -KILL $$", "signal 9: nothing on standard error"},
      {"exit 0", "exit code 0, but no result: cannot read "},
      {"for last; do :; done; echo '{' >\"$last\"", "exit code 0, but no result: "},
      {"exec sleep 1000", "not over after 1s: nothing on standard error", "1s"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.does);
    const Workbench bench(row.does);
    const Finished finished = bench.run({"--codec", "fp32", "--repeats", "1", "--time-limit", row.limit});
    CHECK(finished.status == 3);  // nothing at all was measured
    CHECK(finished.err.find("no point could be measured") != std::string::npos);
    check_result(finished, 1, 0, 1, 0);
    CHECK(bench.results().at(0).failure.starts_with(row.failure));
  }
}

TEST_CASE("hosts that nobody can be started on end scale run, and nothing is recorded of them") {
  const Workbench bench(
      "for last; do :; done\n"
      "case $* in *b:1*) echo 'ssh: Could not resolve hostname b: Name or service not known' >&2; exit 255 "
      ";; "
      "*) [ $last = true ] || exit 7 ;; esac");
  const Finished finished =
      bench.run({"--nodes", "1,2", "--hosts", "a,b", "--codec", "fp32,bf16", "--repeats", "1"});
  CHECK(finished.status == 3);
  CHECK(
      finished.err ==
      "error: no answer from b: ssh: Could not resolve hostname b: Name or service not known; r.jsonl holds "
      "what is measured, the same command goes on from there\n");
  CHECK(bench.lines() == 1);   // the point of one rank, which has failed by itself
  CHECK(bench.starts() == 4);  // it, one of two nodes, and a question to each of these
}

TEST_CASE("scale run that is asked to end ends the launcher and keeps what it has") {
  // The first start goes well, the second asks scale run to end.
  const Workbench bench(
      "if [ $(wc -l <\"$STARTS\") = 1 ]; then exec \"$REAL\" \"$@\"; fi\n"
      "echo $$ >\"$STARTS.id\"; kill -INT $PPID; exec sleep 1000");
  const Words arguments = {"--repeats", "2"};
  const Finished finished = bench.run(arguments);
  CHECK(finished.status == 75);
  CHECK(finished.err.find("the same command goes on from there") != std::string::npos);
  CHECK(bench.results().size() == 1);
  std::string id = contents_of(bench.scratch() / "starts.id");
  id.pop_back();
  CHECK_FALSE(fs::exists("/proc/" + id));
}

TEST_CASE("a launcher that is not there is an error of the environment") {
  const Workbench bench;
  Command command = bench.command({"--launcher", "srun"});
  command.environment["PATH"] = (bench.scratch() / "bin").string();
  const Finished finished = run(command);
  CHECK(finished.status == 3);
  CHECK(finished.err.find("cannot start srun: No such file or directory") != std::string::npos);
}

TEST_CASE("a file of results is one experiment's and one process's") {
  const Workbench bench;
  const Words arguments = {"--codec", "none", "--repeats", "1"};
  REQUIRE(bench.run(arguments).status == 0);
  const std::string before = contents_of(bench.scratch() / kResults);
  Words other = arguments;
  other.insert(other.end(), {"--set", "job.seed=9"});
  Finished finished = bench.run(other);
  CHECK(finished.status == 4);
  CHECK(finished.err.find("r.jsonl holds results of \"tiny steps=2 warmup=0 mpirun ") != std::string::npos);

  const launch::scale::ResultsFile held(bench.scratch() / kResults);
  finished = bench.run(arguments);
  CHECK(finished.status == 3);
  CHECK(finished.err.find("another scale run") != std::string::npos);
  CHECK(contents_of(bench.scratch() / kResults) == before);
  CHECK(bench.starts() == 1);
}

TEST_CASE("a dry scale run says what it would start, and starts nothing") {
  const Workbench bench;
  const auto dry = [&](Words arguments) {
    arguments.insert(arguments.end(), {"--codec", "bf16", "--repeats", "1", "--dry-run"});
    const Finished finished = bench.run(arguments);
    CAPTURE(finished.err);
    CHECK(finished.status == 0);
    return lines_with(finished.out, " bench step ");
  };
  Words lines = dry({"--nodes", "1,2", "--hosts", "node1,node2", "--batch", "strong"});
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].find(" --exchange none ") != std::string::npos);
  CHECK(lines[1].starts_with("mpirun --host node1:1,node2:1 -np 2 --bind-to none /"));
  CHECK(lines[1].find(" --set job.global_batch=64 --exchange codec=bf16,algorithm=two_shot --steps 2 ") !=
        std::string::npos);
  bench.scratch().file("hosts", "node1 slots=2\nnode2 slots=2\n");
  lines = dry({"--nodes", "2", "--hostfile", "hosts", "--ranks-per-node", "2"});
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with("mpirun --host node1:2,node2:2 -np 4 --bind-to none /"));
  lines = dry({"--nodes", "2", "--hostfile", "hosts"});
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with("mpirun --host node1:2,node2:2 -np 4 --bind-to none /"));
  lines = dry({"--nodes", "1", "--hosts", "node1:3,node2"});
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with("mpirun --host node1:3 -np 3 --bind-to none /"));
  lines = dry({"--nodes", "2", "--launcher", "srun", "--launcher-argument=--partition=gpu"});
  REQUIRE(lines.size() == 1);
  CHECK(
      lines[0].starts_with("srun --mpi=pmix --nodes=2 --ntasks=2 --ntasks-per-node=1 "
                           "--kill-on-bad-exit=1 --partition=gpu /"));
  const std::string script = (source_directory() / "launch/netcluster.sh").string();
  lines =
      dry({"--nodes", "4", "--launcher", "netcluster", "--netcluster-name", "lab", "--netcluster", script});
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with(script + " run --name lab --hosts 4 -np 4 -- /"));
  CHECK(bench.starts() == 0);
  CHECK_FALSE(fs::exists(bench.scratch() / kResults));
}

TEST_CASE("wrong experiments are refused before anything is started") {
  check_refusals({
      {"a host that is a command",
       scale({"--nodes", "2", "--hosts", "a,$(touch x)"}),
       2,
       {"--hosts", "$(touch x)", "letters, digits"}},
      {"a host that is an option",
       scale({"--hosts=-oProxyCommand=x"}),
       2,
       {"--hosts", "-oProxyCommand=x", "no hyphen first"}},
      {"a host in a hostfile that is a command",
       scale({"--hostfile", "hosts"}),
       2,
       {"hosts:1: \"`x`\" is no name of a host"},
       [](const Scratch& scratch) { scratch.file("hosts", "`x`\n"); }},
      {"different numbers of ranks",
       scale({"--nodes", "2", "--hosts", "a:4,b:2"}),
       2,
       {"host a is for 4 ranks and b for 2", "--ranks-per-node says how many"}},
      {"more ranks than a host takes",
       scale({"--hostfile", "hosts", "--ranks-per-node", "1,4"}),
       2,
       {"--ranks-per-node 4: host a takes at most 2"},
       [](const Scratch& scratch) { scratch.file("hosts", "a max_slots=2\n"); }},
      {"more nodes than hosts", scale({"--nodes", "1,3", "--hosts", "a,b"}), 2, {"--nodes 3", "2 hosts"}},
      {"nodes without hosts", scale({"--nodes", "2"}), 2, {"--nodes 2", "--hosts"}},
      {"no nodes", scale({"--nodes", "0"}), 2, {"--nodes", "1 to 10000"}},
      {"an unknown codec", scale({"--codec", "fp32,fp31"}), 2, {"--codec fp31", "none, fp32, bf16"}},
      {"an unknown algorithm",
       scale({"--algorithm", "three_shot"}),
       2,
       {"--algorithm three_shot", "two_shot"}},
      {"an unknown policy", scale({"--batch", "mighty"}), 2, {"--batch mighty", "strong, weak"}},
      {"a batch without its policy", scale({"--global-batch", "8"}), 2, {"--global-batch", "--batch strong"}},
      {"an unknown launcher",
       scale({"--launcher", "qsub"}),
       2,
       {"--launcher qsub", "mpirun, srun, netcluster"}},
      {"hosts for srun", scale({"--launcher", "srun", "--hosts", "a"}), 2, {"--hosts has no effect"}},
      {"arguments for netcluster",
       scale({"--launcher", "netcluster", "--launcher-argument=-x"}),
       2,
       {"--launcher-argument has no effect"}},
      {"a netcluster that is not there",
       scale({"--launcher", "netcluster", "--netcluster", "none.sh"}),
       2,
       {"--netcluster: there is no file none.sh"}},
      {"a cluster that cannot be",
       scale({"--launcher", "netcluster", "--netcluster", "job.toml", "--netcluster-name", "../x"}),
       2,
       {"--netcluster-name ../x", "lower-case letters"}},
      {"a time limit without a unit", scale({"--time-limit", "30"}), 2, {"--time-limit 30", "duration"}},
      {"a codec by --set",
       scale({"--set", "exchange.codec=fp32"}),
       2,
       {"--set exchange.codec=fp32", "--codec"}},
      {"a job that is wrong", scale({"--set", "job.sede=1"}), 2, {"job.sede", "seed"}},
      {"no results", {"scale", "run", "job.toml"}, 2, {"--results is required"}},
      {"results into no directory",
       {"scale", "run", "job.toml", "--results", "no/r.jsonl"},
       2,
       {"--results: ", "no/r.jsonl", "No such file"}},
      {"results onto a job",
       {"scale", "run", "job.toml", "--results", "other.toml"},
       4,
       {"other.toml:1: this is not JSON"},
       [](const Scratch& scratch) { scratch.file("other.toml", "[job]\n"); }},
  });
}
