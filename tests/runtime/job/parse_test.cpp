#include "runtime/job/parse.hpp"

#include "kernels/base/error.hpp"
#include "runtime/job/show.hpp"
#include "tests/runtime/config/samples.hpp"
#include "tests/support/test.hpp"

#include <cstdlib>

using namespace eightfold;
using namespace eightfold::runtime::config;

TEST_CASE("the smallest job has the defaults of a default-constructed one") {
  const runtime::job::ParsedJob job = parse_with(kSmallest);
  CHECK(job.config.job.name == "x");
  CHECK(job.config.job.global_batch == Job().global_batch);
  CHECK(job.config.optimizer.learning_rate == Optimizer().learning_rate);
  REQUIRE(job.config.model.layers.size() == 1);
  CHECK(job.config.model.layers[0].values.at("out") == Value(std::int64_t{10}));
  CHECK(job.config.model.layers[0].place.text == "job.toml:3:1");
  CHECK(job.origins.at("job.name").text == "job.toml:2:8");
  CHECK(job.origins.at("model.layer[0].out").text == "job.toml:5:7");
  CHECK(job.origins.size() == 3);
}

TEST_CASE("values of every type reach their fields") {
  const JobConfig config = parse_with(kSmallest + R"(
[data]
kind = "cifar100"
dir = "some where"
[optimizer]
learning_rate = 1
momentum = 0.5
nesterov = true
[schedule]
kind = "step"
step_epochs = [3, 7]
[exchange]
codec = "linear4"
algorithm = "hierarchical"
bucket = "3MiB"
error_feedback = "off"
rounding = "stochastic"
scaling = "tensor"
segment = "32KiB"
transport = "direct"
verify_checksums = true
verify = true
replica_check = 7
)")
                               .config;
  CHECK(config.data.kind == "cifar100");
  CHECK(config.data.values.at("dir") == Value("some where"));
  CHECK(config.optimizer.learning_rate == 1.0);
  CHECK(config.optimizer.values.at("nesterov") == Value(true));
  CHECK(config.schedule.step_epochs == std::vector<std::int64_t>{3, 7});
  CHECK(config.exchange.codec == Codec::linear4);
  CHECK(config.exchange.algorithm == "hierarchical");
  CHECK(config.exchange.bucket == 3U << 20);
  CHECK(config.exchange.error_feedback == ErrorFeedback::off);
  CHECK(config.exchange.rounding == eightfold::quant8::Rounding::stochastic);
  CHECK(config.exchange.scaling == eightfold::quant8::Scaling::tensor);
  CHECK(config.exchange.segment == 32U << 10);
  CHECK(config.exchange.transport == Transport::direct);
  CHECK(config.exchange.verify_checksums);
  CHECK(config.exchange.verify);
  CHECK(config.exchange.replica_check == 7);
}

TEST_CASE("a key that was renamed is named to people, and understood where a program wrote it") {
  const std::string old = kSmallest + "[exchange]\nparanoid = true\n";
  CHECK(complaint(old) == "job.toml:7:1: exchange.paranoid is called exchange.verify_checksums now");
  const JobConfig saved = runtime::job::parse_job(old, "config.toml", {}, FormerNames::understood).config;
  CHECK(saved.exchange.verify_checksums);
  CHECK(complaint(kSmallest, {"exchange.paranoid=true"}) ==
        "--set exchange.paranoid=true: exchange.paranoid is called exchange.verify_checksums now");
}

TEST_CASE("a stride that is not given is the kernel for pooling and one for convolutions") {
  const JobConfig config = parse_with(R"(job.name = "x"
model.layer = [{kind = "conv2d", out = 4, kernel = 5}, {kind = "max_pool", kernel = 3},
               {kind = "average_pool", kernel = 3, stride = 2}]
)")
                               .config;
  CHECK(config.model.layers.at(0).values.at("stride") == Value(std::int64_t{1}));
  CHECK(config.model.layers.at(1).values.at("stride") == Value(std::int64_t{3}));
  CHECK(config.model.layers.at(2).values.at("stride") == Value(std::int64_t{2}));
}

TEST_CASE("unknown keys and sections are errors that name the nearest known one") {
  CHECK(complaint_in("optimizer", "momentun = 0.9") ==
        "job.toml:7:1: unknown key optimizer.momentun; allowed in optimizer with kind = \"sgd\": kind, "
        "learning_rate, clip_norm, momentum, nesterov, weight_decay; did you mean optimizer.momentum?");
  CHECK(complaint_in("evaluation", "zzzzzz = 1") ==
        "job.toml:7:1: unknown key evaluation.zzzzzz; allowed in evaluation: every, target_accuracy");
  CHECK(complaint_in("optimiser", "momentum = 0.9") ==
        "job.toml:6:2: unknown section optimiser; allowed: job, data, optimizer, schedule, exchange, "
        "guard, evaluation, "
        "checkpoint, telemetry, watchdog, model, model.layer; did you mean optimizer?");
  CHECK(
      mentions(complaint("wibble = 3\n" + kSmallest), "job.toml:1:1: unknown section wibble; allowed: job"));
}

TEST_CASE("a key in the wrong section is sent to the right one") {
  CHECK(mentions(complaint_in("evaluation", "momentum = 0.9"), "did you mean optimizer.momentum?"));
  CHECK(mentions(complaint("learning_rate = 1\n" + kSmallest), "did you mean optimizer.learning_rate?"));
  CHECK(mentions(complaint_in("exchange", "rate = 0.9"), "did you mean model.layer.rate?"));
}

TEST_CASE("a misspelt key of a layer is found") {
  CHECK(mentions(complaint(kSmallest + "ini = 'he'\n"),
                 "job.toml:6:1: unknown key model.layer[0].ini; allowed in model.layer with kind = "
                 "\"linear\", init = \"he\": kind, out, init, init_bias; did you mean model.layer.init?"));
  CHECK(mentions(complaint(kSmallest + "init = 'normal'\ninit_stdev = 1\n"),
                 "; did you mean model.layer.init_stddev?"));
  CHECK(
      mentions(complaint(kSmallest + "[[model.layers]]\n"),
               "job.toml:6:9: unknown key model.layers; allowed in model: layer; did you mean model.layer?"));
}

TEST_CASE("names that cannot be keys are shown quoted, long ones are not shown") {
  CHECK(mentions(complaint_in("job", "\"a\\nb\" = 1"), "job.toml"));
  CHECK(mentions(complaint("\"a\\u001bb\" = 1\n" + kSmallest), "unknown section \"a\\u001Bb\";"));
  const std::string longest(5000, 'a');
  CHECK(mentions(complaint(longest + " = 1\n" + kSmallest), "unknown section of 5000 characters;"));
}

TEST_CASE("values of the wrong type are errors that say what is allowed") {
  CHECK(complaint_in("telemetry", "interval = \"often\"") ==
        "job.toml:7:12: telemetry.interval is \"often\"; allowed: an integer, at least 1 and at most "
        "1000000000");
  CHECK(complaint_in("telemetry", "interval = 50.0") ==
        "job.toml:7:12: telemetry.interval is 50.0; allowed: an integer, at least 1 and at most 1000000000");
  CHECK(complaint_in("telemetry", "trace = 1") ==
        "job.toml:7:9: telemetry.trace is 1; allowed: true or false");
  CHECK(complaint_in("telemetry", "trace = {}") ==
        "job.toml:7:9: telemetry.trace is a table; allowed: true or false");
  CHECK(complaint_in("telemetry", "trace = [true]") ==
        "job.toml:7:9: telemetry.trace is an array; allowed: true or false");
  CHECK(complaint_in("telemetry", "trace = 2026-01-01") ==
        "job.toml:7:9: telemetry.trace is a date or time; allowed: true or false");
  CHECK(complaint_in("data", "kind = 3") ==
        "job.toml:7:8: data.kind is 3; allowed: \"digits\", \"idx\", \"cifar10\", \"cifar100\"");
  CHECK(complaint_in("exchange", "bucket = 4194304") ==
        "job.toml:7:10: exchange.bucket is 4194304; allowed: a size such as \"64MiB\", at least 1KiB and at "
        "most "
        "1TiB");
  CHECK(complaint_in("checkpoint", "dir = 3") ==
        "job.toml:7:7: checkpoint.dir is 3; allowed: a path without control characters");
}

TEST_CASE("durations have a unit and end at a thousand hours") {
  CHECK(
      complaint_in("watchdog", "deadline = 60") ==
      "job.toml:7:12: watchdog.deadline is 60; allowed: a duration such as \"10s\", at least 0s and at most "
      "1000h");
  for (const std::string wrong : {"'60'", "'s'", "'-1s'", "'1001h'", "'1 s'"})
    CHECK(mentions(complaint_in("watchdog", "deadline = " + wrong), "allowed: a duration such as"));
  for (const std::string right : {"'0s'", "'500ms'", "'1.5min'", "'1000h'"})
    CHECK(complaint_in("watchdog", "deadline = " + right) == "accepted");
  CHECK(runtime::job::parse_job(kSmallest + "[watchdog]\ncheckpoint = '90s'\n", "job.toml")
            .config.watchdog.checkpoint == std::chrono::seconds(90));
}

TEST_CASE("values out of range are errors at both ends") {
  CHECK(complaint_in("optimizer", "momentum = 1.0") ==
        "job.toml:7:12: optimizer.momentum is 1.0; allowed: a number, at least 0 and below 1");
  CHECK(mentions(complaint_in("optimizer", "momentum = -0.1"), "momentum is -0.1; allowed"));
  CHECK(complaint_in("optimizer", "momentum = 0") == "accepted");
  CHECK(mentions(complaint_in("optimizer", "learning_rate = 0"),
                 "learning_rate is 0; allowed: a number, at least 1e-"));
  CHECK(mentions(complaint_in("checkpoint", "every = -2"), "every is -2; allowed: an integer, at least -1"));
  CHECK(mentions(complaint_in("checkpoint", "every = 1000000001"), "and at most 1000000000"));
  CHECK(mentions(complaint_in("exchange", "bucket = \"1023B\""), "exchange.bucket is \"1023B\"; allowed"));
  CHECK(mentions(complaint_in("exchange", "bucket = \"64MB/s\""), "exchange.bucket is \"64MB/s\"; allowed"));
  CHECK(complaint_in("schedule", "kind = 'step'\nfactor = 1\nstep_epochs = [1]") == "accepted");
  CHECK(mentions(complaint_in("schedule", "kind = 'step'\nfactor = 0"),
                 "factor is 0; allowed: a number, above 0"));
}

TEST_CASE("numbers that are none are refused") {
  for (const std::string number : {"nan", "inf", "-inf"})
    CHECK(mentions(complaint_in("optimizer", "weight_decay = " + number), "optimizer.weight_decay is "));
}

TEST_CASE("lists ascend and are not empty") {
  for (const std::string list : {"[]", "[2, 1]", "[1, 1]", "[0, 1]"})
    CHECK(mentions(complaint_in("schedule", "kind = 'step'\nstep_epochs = " + list),
                   "job.toml:8:15: schedule.step_epochs is " + list +
                       "; allowed: a list of ascending integers, at "
                       "least 1"));
  CHECK(mentions(complaint_in("schedule", "kind = 'step'\nstep_epochs = [1, 2.0]"), "is an array; allowed"));
}

TEST_CASE("a choice that is none names the nearest") {
  CHECK(complaint_in("optimizer", "kind = \"adam\"") ==
        "job.toml:7:8: optimizer.kind is \"adam\"; allowed: \"sgd\", \"rmsprop\", \"adamw\", \"lion\"; did "
        "you mean "
        "\"adamw\"?");
  CHECK(complaint_in("optimizer", "kind = \"shampoo\"") ==
        "job.toml:7:8: optimizer.kind is \"shampoo\"; allowed: \"sgd\", \"rmsprop\", \"adamw\", \"lion\"");
}

TEST_CASE("a job's name can be the name of a directory") {
  const auto name = [](const std::string& text) {
    return complaint("job.name = " + text + "\nmodel.layer = [{kind = 'linear', out = 1}]");
  };
  CHECK(name("'a.B_c-9'") == "accepted");
  CHECK(name("'...'") == "accepted");
  CHECK(name("'" + std::string(100, 'a') + "'") == "accepted");
  for (const std::string wrong : {"''", "'.'", "'..'", "'a/b'", "'a b'", "'\xC3\xA4'"})
    CHECK(mentions(name(wrong),
                   "allowed: a name of at most 100 letters, digits, '.', '_' and '-', not \".\" or"));
  CHECK(mentions(name("'" + std::string(101, 'a') + "'"), "job.name is a value of 103 characters; allowed"));
}

TEST_CASE("texts have no control characters, and some must not be empty") {
  CHECK(mentions(complaint_in("checkpoint", "dir = \"a\\nb\""), "checkpoint.dir is \"a\\u000Ab\"; allowed"));
  CHECK(mentions(complaint_in("checkpoint", "dir = \"a\\u0000b\""),
                 "checkpoint.dir is \"a\\u0000b\"; allowed"));
  CHECK(complaint_in("checkpoint", "dir = \"\"") == "accepted");
  CHECK(
      mentions(complaint(kSmallest + "[data]\nkind = 'idx'\nimages = ''"), "control characters, not empty"));
}

TEST_CASE("required keys are asked for where they belong") {
  CHECK(complaint("") ==
        "job.toml: job.name is missing; allowed: a name of at most 100 letters, digits, '.', '_' and '-', "
        "not \".\" or "
        "\"..\"");
  CHECK(mentions(complaint("\n[job]\nseed = 3"), "job.toml:2:2: job.name is missing; allowed: a name"));
  CHECK(complaint("job.name = 'x'") ==
        "job.toml: model.layer is missing; allowed: one heading [[model.layer]] per layer");
  CHECK(mentions(complaint("job.name = 'x'\n[[model.layer]]\nout = 3"),
                 "job.toml:2:1: model.layer[0].kind is missing; allowed: \"linear\", \"conv2d\""));
  CHECK(mentions(complaint(kSmallest + "[[model.layer]]\nkind = 'max_pool'"),
                 "job.toml:6:1: model.layer[1].kernel is missing; allowed: an integer, at least 1"));
  CHECK(mentions(complaint(kSmallest + "[[model.layer]]\nkind = 'conv2d'\nout = 3"),
                 "model.layer[1].kernel is missing"));
  CHECK(mentions(complaint_in("schedule", "kind = 'step'"),
                 "job.toml:6:2: schedule.step_epochs is missing; allowed"));
}

TEST_CASE("a key without effect is an error that says with what it has one") {
  CHECK(complaint_in("optimizer", "decay = 0.9") ==
        "job.toml:7:9: optimizer.decay has no effect with optimizer.kind = \"sgd\"; allowed with kind = "
        "\"rmsprop\"");
  CHECK(complaint_in("data", "dir = 'x'") ==
        "job.toml:7:7: data.dir has no effect with data.kind = \"digits\"; allowed with kind = \"idx\", "
        "\"cifar10\", "
        "\"cifar100\"");
  CHECK(complaint(kSmallest + "rate = 0.1") ==
        "job.toml:6:8: model.layer[0].rate has no effect with model.layer[0].kind = \"linear\"; allowed with "
        "kind = "
        "\"dropout\"");
  CHECK(complaint(kSmallest + "init_stddev = 0.1") ==
        "job.toml:6:15: model.layer[0].init_stddev has no effect with model.layer[0].init = \"he\"; allowed "
        "with init = "
        "\"normal\"");
  CHECK(complaint(kSmallest + "init = 'normal'\ninit_stddev = 0.1") == "accepted");
}

TEST_CASE("keys that contradict each other are errors at the place of one of them") {
  CHECK(complaint_in("optimizer", "nesterov = true") ==
        "job.toml:7:12: optimizer.nesterov has no effect with optimizer.momentum = 0.0; allowed with "
        "momentum above 0");
  CHECK(complaint_about("job.micro_batch=129") ==
        "--set job.micro_batch=129: job.micro_batch is 129; allowed: at most job.global_batch = 128");
  CHECK(complaint_about("job.micro_batch=128") == "accepted");
  const std::string conv = "[[model.layer]]\nkind = 'conv2d'\nkernel = 3\nout = 6\ngroups = 4";
  CHECK(complaint(kSmallest + conv) ==
        "job.toml:10:10: model.layer[1].groups = 4 does not divide out = 6; allowed: a divisor of it");
  CHECK(complaint(kSmallest + "[[model.layer]]\nkind = 'max_pool'\nkernel = 2\npadding = 2") ==
        "job.toml:9:11: model.layer[1].padding is 2; allowed: less than kernel = 2");
  CHECK(complaint(kSmallest + "[[model.layer]]\nkind = 'lrn'\nsize = 4") ==
        "job.toml:8:8: model.layer[1].size is 4; allowed: an odd number");
}

TEST_CASE("what adds up partial sums goes with fp32 alone") {
  CHECK(complaint_in("exchange", "algorithm = 'recursive_doubling'") ==
        "job.toml:7:13: exchange.algorithm = \"recursive_doubling\" cannot go with exchange.codec = "
        "\"dynamic-tree8\"; allowed with codec = \"fp32\"");
  for (const std::string algorithm : {"mpi", "recursive_doubling"}) {
    CHECK(mentions(complaint(kSmallest, {"exchange.codec=bf16", "exchange.algorithm=" + algorithm}),
                   "--set exchange.algorithm=" + algorithm + ": exchange.algorithm = "));
    CHECK(complaint(kSmallest, {"exchange.codec=fp32", "exchange.algorithm=" + algorithm}) == "accepted");
  }
  for (const std::string algorithm : {"auto", "two_shot", "hierarchical", "ring"})
    CHECK(complaint(kSmallest, {"exchange.codec=one-bit", "exchange.algorithm=" + algorithm}) == "accepted");
}

TEST_CASE("keys of the exchange go with the codecs and algorithms that they do something for") {
  CHECK(mentions(complaint_in("exchange", "codec = 'one-bit'\nrounding = 'stochastic'"),
                 "job.toml:8:12: exchange.rounding has no effect with exchange.codec = \"one-bit\"; allowed "
                 "with codec = \"dynamic-tree8\", "));
  CHECK(mentions(complaint_in("exchange", "codec = 'bf16'\nscaling = 'tensor'"),
                 "exchange.scaling has no effect"));
  CHECK(mentions(complaint_in("exchange", "codec = 'fp32'\nerror_feedback = 'on'"),
                 "exchange.error_feedback has no effect"));
  CHECK(complaint_in("exchange", "codec = 'bf16'\nerror_feedback = 'on'") == "accepted");
  for (const std::string key : {"segment = '1KiB'", "transport = 'staged'", "verify_checksums = true"})
    CHECK(mentions(complaint_in("exchange", "codec = 'fp32'\nalgorithm = 'mpi'\n" + key),
                   "has no effect with exchange.algorithm = \"mpi\"; allowed with algorithm = \"auto\", "));
}

TEST_CASE("a warm-up longer than the job is an error that names both, to those who train") {
  const auto complaint = [](const std::string& text, const std::vector<std::string>& overrides) {
    const JobConfig job = parse_with(text, overrides).config;  // reading alone has nothing against it
    try {
      if (const auto steps = runtime::job::known_steps(job)) runtime::job::check_warmup(job.schedule, *steps);
    } catch (const base::ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  CHECK(complaint(kSmallest, {"schedule.warmup_steps=101", "job.steps=100"}) ==
        "--set schedule.warmup_steps=101: schedule.warmup_steps is 101; allowed: at most the 100 steps that "
        "the job has");
  CHECK(complaint(kSmallest, {"schedule.warmup_steps=100", "job.steps=100"}) == "accepted");
  // 10 epochs of 20,000 generated digits, 128 at once.
  CHECK(complaint(kSmallest + "[schedule]\nwarmup_steps = 1570\n", {}) == "accepted");
  CHECK(complaint(kSmallest + "[schedule]\nwarmup_steps = 1571\n", {}) ==
        "job.toml:7:16: schedule.warmup_steps is 1571; allowed: at most the 1570 steps that the job has");
  CHECK(mentions(complaint(kSmallest, {"schedule.warmup_steps=5", "data.train=64", "job.global_batch=32",
                                       "job.epochs=2", "job.steps=9"}),
                 "at most the 4 steps"));
  // How many samples files hold is not known before they are read.
  CHECK(complaint(kSmallest, {"schedule.warmup_steps=1000000", "data.kind=idx"}) == "accepted");
  CHECK(mentions(complaint(kSmallest, {"schedule.warmup_steps=3", "data.kind=idx", "job.steps=2"}),
                 "at most the 2 steps"));
  Schedule schedule;
  schedule.warmup_steps = 3;
  schedule.place.text = "job.toml:1:2";
  CHECK_NOTHROW(runtime::job::check_warmup(schedule, 3));
  CHECK_THROWS_AS(runtime::job::check_warmup(schedule, 2), base::ConfigError);
}

TEST_CASE("what is not TOML is refused with its place") {
  CHECK(mentions(complaint(kSmallest + "out = 11"), "job.toml:6:"));
  CHECK(mentions(complaint(kSmallest + "[job]\nseed = 2"), "job.toml:6:"));
  CHECK(mentions(complaint("[job\n"), "not valid TOML: "));
  CHECK_FALSE(mentions(complaint("x = fal\x1b[0m\n"), "\x1b"));
  CHECK(mentions(complaint("job = \"\xff\""), "not valid TOML: "));
  CHECK(mentions(complaint("x = " + std::string(17, '[')), "job.toml:1: nested too deeply"));
}

TEST_CASE("sections and layers are what they are called") {
  CHECK(complaint("job = 3") == "job.toml:1:7: job is 3; allowed: [job]");
  CHECK(complaint("[[job]]") == "job.toml:1:1: job is an array; allowed: [job]");
  CHECK(complaint("model = 3") == "job.toml:1:9: model is 3; allowed: [model]");
  CHECK(complaint("[model.layer]\nkind = 'relu'") ==
        "job.toml:1:1: model.layer is a table; allowed: [[model.layer]], one heading per layer");
  CHECK(complaint("model.layer = [3]") == "job.toml:1:16: model.layer[0] is 3; allowed: [[model.layer]]");
}
