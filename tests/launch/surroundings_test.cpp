// The program where its surroundings are not what they mostly are: files that end early, readers that leave,
// pipes for files, names that are no text, variables where paths are.
#include "tests/launch/refusals.hpp"
#include "tests/support/test.hpp"

#include <sys/stat.h>

#include <algorithm>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::json;

const std::string kOdd = "odd\xFFname";  // no UTF-8

// A directory with the tiny job, and a shell in it that knows $eightfold, the program on `ranks`.
struct Workplace : Scratch {
  Workplace() { file("job.toml", kTinyJob); }

  Finished shell(const std::string& script, int ranks = 0) const {
    Command command = program({}, ranks, path(), {{"HOME", path().string()}});
    std::string words;
    for (const std::string& each : command.arguments) words += "'" + each + "' ";
    command.environment["eightfold"] = words;
    command.arguments = {"bash", "-c", "eightfold() { eval \"$eightfold\" '\"$@\"'; }; " + script};
    return run(command);
  }
  Finished eightfold(const Words& arguments, int ranks = 0) const {
    return run_program(arguments, ranks, path(), {{"HOME", path().string()}});
  }
  fs::path only_run() const { return fs::directory_iterator(*this / "runs/tiny")->path(); }
};

}  // namespace

TEST_CASE("where files may not be large, checkpoints are lost and the run ends with its result") {
  const Workplace here;
  // 6000 KiB: the weights take more, and MPI needs 4 MiB.
  const Finished finished =
      here.shell("ulimit -f 6000; eightfold train job.toml --set 'model.layer[0].out=4000'");
  INFO(finished.err);
  CHECK(finished.status == 3);
  CHECK(result_of(finished)["steps"] == "30");
  CHECK(lines_with(finished.err, "File too large; there is none").size() == 1);
}

TEST_CASE("a run goes on when nobody reads what it prints") {
  const Workplace here;
  const Finished finished =
      here.shell("{ eightfold train job.toml --set telemetry.interval=1; echo $? >status; } | head -n 1");
  INFO(finished.err);
  CHECK(lines_with(finished.err, "cannot write to standard output: Broken pipe; the run goes on").size() ==
        1);
  CHECK(records_of(here.only_run(), "end").size() == 1);
  CHECK(fs::exists(here.only_run() / "checkpoints/step-00000030"));
  CHECK(contents_of(here / "status") == "3\n");  // the result is not where it should be
}

TEST_CASE("JSON on standard output is alone there") {
  const Workplace here;
  for (const std::string output : {"-", "/dev/stdout"}) {
    CAPTURE(output);
    const Finished trained = here.eightfold({"train", "job.toml", "--json", output});
    CHECK(Json::parse(trained.out).at("rows").at(0).at("steps") == 30);
    CHECK(lines_with(trained.err, "result test_accuracy=").size() == 1);
    CHECK(lines_with(trained.err, "verdict: ").size() == 1);
  }
  CHECK_FALSE(fs::exists(here / "-"));
  const Finished launched = here.eightfold({"launch", "job.toml", "--json", "-"});
  CHECK(Json::parse(launched.out).at("rows").size() == 1);
  const Finished looked = run(program({"doctor", "--json", "-"}, 0, here.path()));
  CHECK(Json::parse(looked.out).at("rows").size() > 10);
}

TEST_CASE("a job may come from a pipe, whoever reads it and however often") {
  const Workplace here;
  const std::string expected = result_of(here.eightfold({"train", "job.toml"}))["weight_hash"];
  const Finished substituted = here.shell("eightfold train <(cat job.toml)");
  CHECK(result_of(substituted)["weight_hash"] == expected);
  const Finished launched = here.shell("cat job.toml | eightfold launch /dev/stdin --json launched.json");
  INFO(launched.err);
  CHECK(result_of(launched)["weight_hash"] == expected);
  const Finished twice = here.shell(
      "cat job.toml | eightfold bench step /dev/stdin --steps 1 --warmup 1 --exchange none --exchange "
      "codec=fp32");
  CHECK(lines_with(twice.out, "result ").size() == 2);
}

TEST_CASE("under mpirun a job may come from its standard input, and from no other pipe") {
  const Workplace here;
  CHECK(result_of(here.shell("cat job.toml | eightfold train /dev/stdin", 2))["steps"] == "30");
  const Finished refused = here.shell("eightfold train <(cat job.toml)", 2);
  CHECK(refused.status == 2);
  CHECK(lines_with(refused.err, "name /dev/stdin").size() == 1);
}

TEST_CASE("names that are no text are written as JSON can, and used as they are") {
  const Workplace here;
  fs::rename(here / "job.toml", here / (kOdd + ".toml"));
  const Finished trained =
      here.eightfold({"train", kOdd + ".toml", "--run-directory", kOdd, "--json", kOdd + ".json"});
  CHECK(result_of(trained)["run_dir"] == kOdd);
  CHECK(Json::parse(contents_of(here / (kOdd + ".json"))).at("rows").at(0).at("run_dir") ==
        "odd\xEF\xBF\xBDname");
  CHECK(records_of(here / kOdd, "checkpoint").size() == 3);
  CHECK(Json::parse(here.eightfold({"evaluate", kOdd, "--json", "-"}).out).at("rows").at(0).at("steps") ==
        30);
  for (const Words& arguments :
       {Words{"train", kOdd + ".toml", "--set", "data.dir=" + kOdd}, Words{"train", kOdd},
        Words{"config", "check", kOdd + ".toml", "--set", kOdd}, Words{"evaluate", kOdd + "x"}, Words{kOdd},
        Words{"checkpoint", "ls", kOdd + "x"}}) {
    const Finished refused = run(program(arguments, 0, here.path()));
    CAPTURE(refused.err);
    CHECK((refused.status == 2 || refused.status == 4));
    CHECK(error_lines(refused.err).size() == 1);
  }
}

TEST_CASE("a home and variables in paths are those of the shell") {
  const Workplace here;
  const Finished trained =
      here.eightfold({"train", "~/job.toml", "--set", "job.run_dir=~/mine", "--json", "$HOME/out.json"});
  CHECK(result_of(trained)["run_dir"].starts_with((here / "mine/tiny").string()));
  CHECK(fs::exists(here / "out.json"));
  CHECK_FALSE(fs::exists(here / "~"));
  check_refusals({
      {"a variable that is not set",
       train_with("job.run_dir=$EF_NONE/runs"),
       2,
       {"job.run_dir", "$EF_NONE is not set"}},
      {"the same in a job",
       {"train", "job.toml"},
       2,
       {"job.toml:6:11", "$EF_NONE is not set"},
       tiny_with("threads = 1", "run_dir = \"${EF_NONE}\"")},
      {"the same in an option",
       {"train", "job.toml", "--json", "$EF_NONE"},
       2,
       {"--json", "$EF_NONE is not set"}},
      {"another's home", {"train", "~nobody/job.toml"}, 2, {"your own home"}},
  });
}

TEST_CASE("what others shall read follows the umask and links, a run does not") {
  const Workplace here;
  fs::create_directory(here / "shared");
  fs::create_symlink("shared/result.json", here / "link.json");
  const mode_t before = ::umask(0022);
  const std::string run = result_of(here.eightfold({"train", "job.toml", "--json", "link.json"}))["run_dir"];
  here.eightfold({"data", "digits", "digits", "--train", "10", "--test", "10"});
  ::umask(before);
  const auto mode = [&](const fs::path& path) {
    return static_cast<int>(fs::status(here / path).permissions());
  };
  CHECK(fs::is_symlink(here / "link.json"));
  CHECK(mode("shared/result.json") == 0644);
  CHECK(mode("digits") == 0755);
  CHECK(mode("digits/train-images-idx3-ubyte") == 0644);
  CHECK(mode(run) == 0700);
  CHECK(mode(fs::path(run) / "config.resolved.toml") == 0600);
}
