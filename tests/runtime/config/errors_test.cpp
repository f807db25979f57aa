#include "runtime/config/errors.hpp"

#include "tests/runtime/config/samples.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::runtime::config;

TEST_CASE("everything that is wrong is said, in the order of the file, overrides last") {
  const std::string text = R"([job]
name = "a/b"
seed = "x"
[model]
layer = [{kind = "linear", out = 0}, {kind = "dropout", p = 0.5}, {kind = "relu", rate = 0.1}, 3]
[optimizer]
lr = 0.1
kind = "adam"
beta1 = 0.9
[exchanges]
codec = "fp32"
)";
  const Lines lines = errors(text, {"job.epochs=0", "job.foo=1", "exchange.codec=linear8"});
  const std::vector<std::string> beginnings = {"job.toml:2:8: job.name is \"a/b\"; allowed: ",
                                               "job.toml:3:8: job.seed is \"x\"; allowed: ",
                                               "job.toml:5:34: model.layer[0].out is 0; allowed: ",
                                               "job.toml:5:57: unknown key model.layer[1].p; allowed in ",
                                               "job.toml:5:90: model.layer[2].rate has no effect with ",
                                               "job.toml:5:96: model.layer[3] is 3; allowed: ",
                                               "job.toml:7:1: unknown key optimizer.lr; allowed in ",
                                               "job.toml:8:8: optimizer.kind is \"adam\"; allowed: ",
                                               "job.toml:10:2: unknown section exchanges; allowed: ",
                                               "--set job.epochs=0: job.epochs is 0; allowed: ",
                                               "--set job.foo=1: unknown key job.foo; allowed in job: "};
  REQUIRE(lines.size() == beginnings.size());
  for (std::size_t i = 0; i < lines.size(); ++i)
    CHECK(lines[i].substr(0, beginnings[i].size()) == beginnings[i]);
}

TEST_CASE("several errors are one error whose message is the first and their number") {
  const std::string two = "[job]\nname = ''\nseed = -1\n[[model.layer]]\nkind = 'relu'\n";
  try {
    parse_with(two);
    FAIL("accepted");
  } catch (const base::ConfigError& error) {
    CHECK(mentions(error.what(), "job.toml:2:8: job.name is \"\"; allowed: a name"));
    CHECK(mentions(error.what(), " (and 1 more error)"));
    CHECK_FALSE(mentions(error.what(), "\n"));
  }
}

TEST_CASE("what is wrong or missing makes no error of what depends on it") {
  const std::string job = "job.name = 'x'\n";
  for (const std::string& text :
       {job + "[[model.layer]]\nkind = 'pool'\nkernel = 2\npadding = 3\n",
        job + "[[model.layer]]\nrate = 0.1\nkernel = 2\n",
        job + "[[model.layer]]\nkind = 'max_pool'\npadding = 3\n",
        job + "[[model.layer]]\nkind = 'conv2d'\nkernel = 3\nout = 'x'\ngroups = 4\n", job + "model = 3\n",
        std::string("job = 3\nmodel.layer = [{kind = 'relu'}]\n"),
        kSmallest + "[optimizer]\nkind = 'adam'\nbeta1 = 0.9\nmomentum = 0.9\n",
        kSmallest + "[optimizer]\nnesterov = true\nmomentum = 1\n",
        kSmallest + "[exchange]\nalgorithm = 'mpi'\ncodec = 'fp31'\nverify_checksums = 3\n"}) {
    CAPTURE(text);
    const bool has_two = mentions(text, "verify_checksums");
    CHECK(errors(text).size() == (has_two ? 2 : 1));
  }
}

TEST_CASE("an unknown key is told the keys of its kind") {
  const auto allowed = [](const std::string& text) {
    const std::string line = complaint(text);
    const std::size_t begin = line.find("allowed in ");
    return begin == std::string::npos ? line : line.substr(begin, line.find(';', begin) - begin);
  };
  CHECK(allowed(kSmallest + "[[model.layer]]\nkind = 'dropout'\nq = 1\n") ==
        "allowed in model.layer with kind = \"dropout\": kind, rate");
  CHECK(allowed(kSmallest + "[[model.layer]]\nkind = 'relu'\nq = 1\n") ==
        "allowed in model.layer with kind = \"relu\": kind");
  CHECK(allowed(kSmallest + "[optimizer]\nkind = 'adamw'\nq = 1\n") ==
        "allowed in optimizer with kind = \"adamw\": kind, learning_rate, clip_norm, weight_decay, "
        "epsilon, beta1, beta2");
  CHECK(allowed(kSmallest + "[data]\nq = 1\n") ==
        "allowed in data with kind = \"digits\": kind, train, test");
  CHECK(allowed(kSmallest + "[data]\nkind = 'cifar10'\nq = 1\n") ==
        "allowed in data with kind = \"cifar10\": kind, dir, train, test, may_change");
  CHECK(allowed(kSmallest + "[evaluation]\nq = 1\n") == "allowed in evaluation: every, target_accuracy");
  CHECK(allowed(kSmallest + "[schedule]\nkind = 'sine'\nq = 1\n") ==
        "job.toml:7:8: schedule.kind is \"sine\"; allowed: \"constant\", \"step\", \"cosine\"; did you mean "
        "\"cosine\"?");
  // An override decides as the file does.
  const Lines lines = errors(kSmallest + "[optimizer]\nq = 1\n", {"optimizer.kind=rmsprop"});
  REQUIRE(lines.size() == 1);
  CHECK(mentions(lines[0],
                 "allowed in optimizer with kind = \"rmsprop\": kind, learning_rate, clip_norm, momentum, "));
}

TEST_CASE("words of other programs are understood in a message and never accepted") {
  const auto meant_by = [](const std::string& text) {
    const std::string line = complaint(text);
    const std::size_t begin = line.rfind("did you mean ");
    return begin == std::string::npos ? line : line.substr(begin + 13);
  };
  const std::string dropout = kSmallest + "[[model.layer]]\nkind = 'dropout'\n";
  CHECK(meant_by(kSmallest + "[optimizer]\nlr = 0.1\n") == "optimizer.learning_rate?");
  CHECK(meant_by("lr = 0.1\n" + kSmallest) == "optimizer.learning_rate?");
  CHECK(meant_by(dropout + "p = 0.1\n") == "model.layer.rate?");
  CHECK(meant_by(dropout + "drop_rate = 0.1\n") == "model.layer.rate?");
  CHECK(meant_by(kSmallest + "[optimizer]\nkind = 'adam'\n") == "\"adamw\"?");
  CHECK(meant_by(kSmallest + "[optimizer]\nkind = 'Adam'\n") == "\"adamw\"?");
  CHECK(meant_by("[job]\nname = 'x'\nbs = 32\n[[model.layer]]\nkind = 'relu'\n") == "job.global_batch?");
  CHECK(meant_by("[job]\nname = 'x'\nbatch_size = 32\n[[model.layer]]\nkind = 'relu'\n") ==
        "job.global_batch?");
  CHECK(meant_by(kSmallest + "[optimizer]\neps = 1\n") == "optimizer.epsilon?");
  CHECK(meant_by(kSmallest + "[optimizer]\nkind = 'adamw'\nwd = 1\n") == "optimizer.weight_decay?");
  CHECK(meant_by(kSmallest + "[schedule]\nwarmup = 1\n") == "schedule.warmup_steps?");
  CHECK(meant_by(kSmallest + "[schedule]\nkind = 'step'\nstep_epochs = [1]\ngamma = 1\n") ==
        "schedule.factor?");
  CHECK(meant_by(kSmallest + "[[model.layer]]\nkind = 'dense'\nout = 1\n") == "\"linear\"?");
  CHECK(meant_by(kSmallest + "units = 1\n") == "model.layer.out?");
  CHECK(meant_by(kSmallest + "[data]\nkind = 'mnist'\n") == "\"idx\"?");
  CHECK(meant_by(kSmallest + "[data]\ntype = 'idx'\n") == "data.kind?");
  CHECK(meant_by(kSmallest + "[training]\n") == "job?");
  CHECK(complaint_about("optimizer.lr=1") ==
        "--set optimizer.lr=1: unknown key optimizer.lr; allowed in optimizer with kind = \"sgd\": kind, "
        "learning_rate, clip_norm, momentum, nesterov, weight_decay; did you mean optimizer.learning_rate?");
  CHECK(meant_by("[job]\nname = 'x'\ndevice = 'cpu'\n[[model.layer]]\nkind = 'relu'\n") == "\"host\"?");
}
