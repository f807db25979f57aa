// What limits the threads of a rank from outside must not show in what it computes: numbers are those of as
// many threads as it says it has.
#include "launch/process/wait_policy.hpp"
#include "tests/launch/program.hpp"
#include "tests/launch/supervise/scripted_launcher.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <limits>

using namespace eightfold;
using namespace eightfold::test;

namespace {

using Variables = std::map<std::string, std::string>;

struct Trained {
  std::string accuracy, hash, said;
  std::filesystem::path run;
};

Trained train(const Scratch& scratch, const std::string& job, int threads, const Variables& variables = {}) {
  const std::string file = (source_directory() / "configs/jobs" / job).string();
  const auto finished = run_program({"train", file, "--set", "data.train=1280", "--set", "data.test=500",
                                     "--set", "job.steps=8", "--set", "schedule.warmup_steps=1", "--set",
                                     "job.device=host", "--set", fmt::format("job.threads={}", threads)},
                                    0, scratch.path(), variables);
  auto result = result_of(finished);
  return {result["test_accuracy"], result["weight_hash"], finished.err, result["run_dir"]};
}

}  // namespace

TEST_CASE("weights are those of the threads that OpenMP grants") {
  const Scratch scratch;
  const std::string job = GENERATE("digits-mlp.toml", "digits-convnet.toml");
  const Trained one = train(scratch, job, 1);
  const Trained limited = train(scratch, job, 2, {{"OMP_THREAD_LIMIT", "1"}});
  CHECK(limited.hash == one.hash);
  CHECK(limited.accuracy == one.accuracy);
  CHECK(lines_with(limited.said, "OpenMP grants 1 of 2 host threads, OMP_THREAD_LIMIT=1").size() == 1);
  CHECK(lines_with(limited.said, "1 host thread each (what OpenMP grants rank 0)").size() == 1);
  auto evaluated = result_of(run_program({"evaluate", one.run.string(), "--set", "job.threads=2"}, 0,
                                         scratch.path(), {{"OMP_THREAD_LIMIT", "1"}}));
  CHECK(evaluated["test_accuracy"] == one.accuracy);
}

TEST_CASE("weights do not follow the load of the machine") {
  const Scratch scratch;
  const Trained two = train(scratch, "digits-mlp.toml", 2);
  const Trained dynamic = train(scratch, "digits-mlp.toml", 2, {{"OMP_DYNAMIC", "true"}});
  CHECK(dynamic.hash == two.hash);
  CHECK(lines_with(dynamic.said, "2 host threads each (as the job says)").size() == 1);
}

TEST_CASE("threads sleep where ranks share cores or a quota buys them") {
  const double unlimited = std::numeric_limits<double>::infinity();
  const auto shares = [](const launch::process::Surroundings& here) {
    return launch::process::has_to_share(here);
  };
  CHECK_FALSE(shares({.cores = 2, .launcher_cores = 2, .ranks = 1, .quota_cores = unlimited}));
  CHECK_FALSE(shares({.cores = 2, .launcher_cores = 2, .ranks = 1, .quota_cores = 2}));
  CHECK(shares({.cores = 2, .launcher_cores = 2, .ranks = 1, .quota_cores = 1}));
  CHECK(shares({.cores = 2, .launcher_cores = 2, .ranks = 2, .quota_cores = unlimited}));
  // Bound to cores of their own.
  CHECK_FALSE(shares({.cores = 4, .launcher_cores = 8, .ranks = 2, .quota_cores = unlimited}));
  CHECK(shares({.cores = 4, .launcher_cores = 8, .ranks = 3, .quota_cores = unlimited}));
  // Alone, whatever its launcher was bound to.
  CHECK_FALSE(shares({.cores = 4, .launcher_cores = 1, .ranks = 1, .quota_cores = unlimited}));
}

TEST_CASE("the program starts anew with a policy that is not to be chosen later") {
  const Scratch scratch;
  const auto spins = [&](Variables variables) {
    variables["OMP_DISPLAY_ENV"] = "verbose";
    Command command = program({"--version"}, 0, scratch.path(), variables);
    if (!variables.contains("OMP_WAIT_POLICY"))  // which tests start programs with
      command.arguments.insert(command.arguments.begin(), {"env", "-u", "OMP_WAIT_POLICY"});
    const Finished finished = run(command);
    const auto lines = lines_with(finished.err, "GOMP_SPINCOUNT");
    REQUIRE_FALSE(lines.empty());
    return lines.back().find("'0'") == std::string::npos;
  };
  const Variables oversubscribed{{"OMPI_COMM_WORLD_LOCAL_SIZE", "100000"}};
  CHECK_FALSE(spins(oversubscribed));
  CHECK_FALSE(spins({{"SLURM_STEP_TASKS_PER_NODE", "100000(x2),1"}}));
  for (const auto& [name, value] : Variables{{"OMP_WAIT_POLICY", "active"}, {"GOMP_SPINCOUNT", "20"}}) {
    Variables chosen = oversubscribed;
    chosen[name] = value;
    CHECK(spins(chosen));
  }
}

TEST_CASE("the program asks for all queues to a GPU unless the user has said how many") {
  const std::string name = "CUDA_DEVICE_MAX_CONNECTIONS";
  const auto asked = [&](const std::vector<std::string>& settings) {
    const ScriptedLauncher launcher(kTinyJob, "env >variables; exit 4");  // it inherits what the program has
    Command command = launcher.command({"launch", "job.toml"});
    command.arguments.insert(command.arguments.begin(), settings.begin(), settings.end());
    command.arguments.insert(command.arguments.begin(), {"env", "-u", name});
    REQUIRE(run(command).status == 4);
    return lines_with(contents_of(launcher.scratch() / "variables"), name);
  };
  CHECK(asked({}) == std::vector<std::string>{name + "=32"});
  CHECK(asked({name + "=16"}) == std::vector<std::string>{name + "=16"});
}

TEST_CASE("what the program starts is not told of a policy that the user has not set") {
  for (const bool is_set : {false, true}) {
    CAPTURE(is_set);
    const ScriptedLauncher launcher(kTinyJob, "env >variables; exit 4");
    Command command = launcher.command({"launch", "job.toml"});
    command.environment["SLURM_STEP_TASKS_PER_NODE"] = "100000";
    if (is_set)
      command.environment["OMP_WAIT_POLICY"] = "active";
    else
      command.arguments.insert(command.arguments.begin(), {"env", "-u", "OMP_WAIT_POLICY"});
    REQUIRE(run(command).status == 4);
    const std::string variables = contents_of(launcher.scratch() / "variables");
    CHECK(lines_with(variables, "SLURM_STEP_TASKS_PER_NODE=100000").size() == 1);
    CHECK(lines_with(variables, "WAIT_POLICY") ==
          (is_set ? std::vector<std::string>{"OMP_WAIT_POLICY=active"} : std::vector<std::string>()));
  }
}
