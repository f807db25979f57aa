// Wrong command lines, jobs and machines.
#include "tests/launch/refusals.hpp"
#include "tests/support/test.hpp"

#include <sched.h>
#include <sys/mount.h>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

// A file system of its own with room for one MiB in `directory`, seen by this process and its children alone.
bool mount_small_disk(const fs::path& directory) {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=1m,mode=700") == 0;
}

// AddressSanitizer ends a program that asks for more than there is.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSurvivesFailedAllocations = false;
#elif defined(__has_feature)
constexpr bool kSurvivesFailedAllocations = !__has_feature(address_sanitizer);
#else
constexpr bool kSurvivesFailedAllocations = true;
#endif

}  // namespace

TEST_CASE("wrong command lines are refused with exit code 2") {
  check_refusals({
      {"no command", {}, 2, {"A subcommand is required"}},
      {"an unknown command", {"frobnicate"}, 2, {"frobnicate", "train, evaluate"}},
      {"an unknown command of config", {"config", "frobnicate"}, 2, {"frobnicate", "check, show"}},
      {"a missing argument", {"train"}, 2, {"job is required"}},
      {"an unknown option", {"train", "job.toml", "--frobnicate"}, 2, {"--frobnicate"}},
      {"a number out of range",
       {"bench", "step", "job.toml", "--steps", "0"},
       2,
       {"--steps", "1 to 1000000"}},
      {"a surplus argument", {"train", "job.toml", "other.toml"}, 2, {"other.toml"}},
      {"a missing argument, on two ranks", {"train"}, 2, {"job is required"}, [](const Scratch&) {}, 2},
      {"--json into no directory",
       {"train", "job.toml", "--json", "no/x.json"},
       2,
       {"--json: ", "no/x.json", "No such file or directory"}},
      {"--json onto a directory",
       {"train", "job.toml", "--json", "."},
       2,
       {"--json: . is there and is not a regular file"}},
      {"--set without a value", train_with("job.seed"), 2, {"job.seed", "="}},
      {"--set of an unknown section", train_with("jobs.seed=1"), 2, {"jobs", "job"}},
      {"--set of an unknown key", train_with("job.sede=1"), 2, {"job.sede", "seed"}},
      {"--set of another type", train_with("job.seed=many"), 2, {"job.seed", "many"}},
      {"--set of a layer that is not there", train_with("model.layer[9].out=1"), 2, {"model.layer[9]"}},
      {"--set of nothing", train_with(""), 2, {"--set"}},
  });
}

TEST_CASE("wrong jobs are refused with exit code 2 and their place in the file") {
  // `config check` reads as `train` does, without starting MPI for a third of a second.
  const Words train = {"train", "job.toml"}, read = {"config", "check", "job.toml"};
  check_refusals({
      {"a job file that is not there",
       {"train", "none.toml"},
       2,
       {"cannot read none.toml: No such file or directory"}},
      {"a job file that is a directory", {"train", "."}, 2, {"cannot read .: Is a directory"}},
      {"an empty job file", train, 2, {"job.toml", "job.name"}, job("")},
      {"a job file of bytes",
       read,
       2,
       {"job.toml:1:"},
       job("\x7f"
           "ELF\x01\x02\xff\xfe")},
      {"TOML that ends too soon", read, 2, {"job.toml:2:"}, job("[job]\nname = \"x\n")},
      {"a key that stands twice", read, 2, {"job.toml:", "seed"}, job("[job]\nseed = 1\nseed = 2\n")},
      {"an unknown key",
       read,
       2,
       {"learning_rat", "learning_rate"},
       tiny_and("[optimizer]\nlearning_rat = 0.1\n")},
      {"an unknown section", read, 2, {"optimiser", "optimizer"}, tiny_and("[optimiser]\n")},
      {"a number in quotes",
       read,
       2,
       {"job.global_batch", "64"},
       tiny_with("global_batch = 64", "global_batch = \"64\"")},
      {"a fraction of a sample",
       read,
       2,
       {"job.global_batch", "64.5"},
       tiny_with("global_batch = 64", "global_batch = 64.5")},
      {"a momentum of 1",
       read,
       2,
       {"optimizer.momentum", "below 1"},
       tiny_and("[optimizer]\nmomentum = 1\n")},
      {"a size with a wrong unit",
       read,
       2,
       {"exchange.bucket", "4MX", "64MiB"},
       tiny_and("[exchange]\nbucket = \"4MX\"\n")},
      {"an unknown kind of layer",
       read,
       2,
       {"model.layer[1].kind", "rleu", "relu"},
       tiny_with("\"relu\"", "\"rleu\"")},
      {"a key of another kind",
       read,
       2,
       {"optimizer.beta1", "adamw"},
       tiny_and("[optimizer]\nbeta1 = 0.9\n")},
      {"nesterov without momentum",
       read,
       2,
       {"optimizer.nesterov", "momentum"},
       tiny_and("[optimizer]\nnesterov = true\n")},
      {"no layers", read, 2, {"model.layer"}, job("[job]\nname = \"x\"\n")},
      {"a name that leads elsewhere", train_with("job.name=../../etc"), 2, {"job.name", "../../etc"}},
      {"an unknown device", train_with("job.device=tpu"), 2, {"job.device", "tpu", "\"host\""}},
  });
}

TEST_CASE("config check lists everything that is wrong, train says the first and how many more there are") {
  const Scratch scratch;
  tiny_and("[optimizer]\nlr = 0.1\nmomentum = 1\n")(scratch);
  const auto errors_of = [&](const Words& arguments) {
    const Finished finished = run(program(arguments, 0, scratch.path()));
    CHECK(finished.status == 2);
    return error_lines(finished.err);
  };
  const Words checked = errors_of({"config", "check", "job.toml", "--set", "job.epochs=0"});
  REQUIRE(checked.size() == 3);
  CHECK(checked[0].find("unknown key optimizer.lr; allowed in optimizer with kind = \"sgd\": kind, ") !=
        std::string::npos);
  CHECK(checked[0].ends_with("; did you mean optimizer.learning_rate?"));
  CHECK(checked[1].find("optimizer.momentum is 1; allowed: ") != std::string::npos);
  CHECK(checked[2].find("--set job.epochs=0: job.epochs is 0; allowed: ") != std::string::npos);
  const Words trained = errors_of({"train", "job.toml"});
  REQUIRE(trained.size() == 1);
  CHECK(trained[0] == checked[0] + " (and 1 more error)");
}

TEST_CASE("jobs that do not fit together are refused with exit code 2") {
  const std::string conv = "[[model.layer]]\nkind = \"conv2d\"\nout = 10\nkernel = 3\n";
  check_refusals({
      {"a convolution of plain values",
       {"train", "job.toml"},
       2,
       {"job.toml:", "conv2d needs images", "10 plain values"},
       tiny_and(conv)},
      {"the same on two ranks",
       {"train", "job.toml"},
       2,
       {"job.toml:", "conv2d needs images"},
       tiny_and(conv),
       2},
      {"a window larger than the image",
       {"train", "job.toml"},
       2,
       {"a window of 29", "28 x 28"},
       tiny_with("kind = \"linear\"\nout = 24", "kind = \"max_pool\"\nkernel = 29")},
      {"a wrong number of classes",
       {"train", "job.toml"},
       2,
       {"job.toml:", "ends in 11 values", "10 classes"},
       tiny_with("out = 10", "out = 11")},
      {"more ranks than samples in a batch",
       train_with("job.global_batch=2"),
       2,
       {"2 samples", "3 ranks"},
       [](const Scratch&) {},
       3},
      {"a micro-batch above the batch", train_with("job.micro_batch=65"), 2, {"job.micro_batch", "65", "64"}},
      {"a warm-up longer than the job",
       train_with("schedule.warmup_steps=31"),
       2,
       {"schedule.warmup_steps is 31", "the 30 steps that the job has"}},
  });
}

TEST_CASE("what the machine does not give is exit code 3") {
  check_refusals({
      {"a GPU that is not there",
       train_with("job.device=cuda"),
       3,
       {"job.device is cuda", "--set job.device=host"}},
      {"the same on two ranks",
       train_with("job.device=cuda"),
       3,
       {"job.device is cuda"},
       [](const Scratch&) {},
       2},
      {"a run directory below a file",
       train_with("job.run_dir=/dev/null/runs"),
       3,
       {"/dev/null", "Not a directory"}},
      {"the same on two ranks",
       train_with("job.run_dir=/dev/null/runs"),
       3,
       {"/dev/null"},
       [](const Scratch&) {},
       2},
      {"checkpoints below a file",
       train_with("checkpoint.dir=/dev/null/store"),
       3,
       {"/dev/null", "Not a directory"}},
      {"digits below a file", {"data", "digits", "/dev/null/digits"}, 3, {"/dev/null", "Not a directory"}},
      {"the mpirun of another MPI",
       {"train", "job.toml"},
       3,
       {"started 4 processes", "MPI sees only this one"},
       [](const Scratch&) {},
       0,
       false,
       {{"OMPI_COMM_WORLD_SIZE", "4"}}},
  });
}

TEST_CASE("a loss that is no number is exit code 7") {
  const Words diverging = {
      "train", "job.toml", "--set", "optimizer.learning_rate=1000000", "--set", "telemetry.interval=5"};
  check_refusals({
      {"a learning rate that diverges",
       diverging,
       7,
       {"the training loss is not a number", "lower optimizer.learning_rate"},
       [](const Scratch&) {},
       0,
       true},
      {"the same on two ranks", diverging, 7, {"training loss"}, [](const Scratch&) {}, 2, true},
  });
}

TEST_CASE("on a full disk training goes on, and ends with exit code 3 and the checkpoints that are whole") {
  const Scratch scratch;
  scratch.file("job.toml", kTinyJob);
  fs::create_directory(scratch / "disk");
  if (!mount_small_disk(scratch / "disk")) {
    WARN("skipped: mounting a file system of one MiB is not allowed here");
    return;
  }
  const Finished finished = run(program({"train", "job.toml", "--set", "job.run_dir=disk", "--set",
                                         "checkpoint.keep=1000", "--set", "job.epochs=50"},
                                        0, scratch.path()));
  INFO(finished.err);
  CHECK(finished.status == 3);
  CHECK(result_of(finished)["steps"] == "500");
  CHECK(lines_with(finished.err, "bytes are free, a checkpoint needs").size() > 1);
  CHECK(lines_with(finished.err, "; the newest is disk/").size() == 1);
  std::size_t whole = 0;
  for (const auto& entry : fs::recursive_directory_iterator(scratch / "disk")) {
    const std::string name = entry.path().filename().string();
    CHECK_FALSE(name.starts_with(".tmp-"));
    if (!name.starts_with("step-")) continue;
    ++whole;
    CHECK(run(program({"checkpoint", "verify", entry.path().string()}, 0, scratch.path())).status == 0);
  }
  CHECK(whole > 0);
  ::umount((scratch / "disk").c_str());
}

TEST_CASE("where memory does not suffice, the error names the key that asks for less") {
  if (!kSurvivesFailedAllocations) return;
  const Preparation huge = tiny_and(
      "[[model.layer]]\nkind = \"linear\"\nout = 1000000000\n"
      "[[model.layer]]\nkind = \"linear\"\nout = 1000000000\n"
      "[[model.layer]]\nkind = \"linear\"\nout = 10\n");
  check_refusals({
      {"layers larger than any memory",
       {"train", "job.toml"},
       3,
       {"out of", "memory", "a smaller job.micro_batch, or smaller layers"},
       huge},
      {"the same, one sample at a time",
       train_with("job.micro_batch=1"),
       3,
       {"out of", "memory", "job.micro_batch is 1 already"},
       huge},
  });
}
