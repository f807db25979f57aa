// --set section.key=value.
#include "runtime/job/parse.hpp"
#include "runtime/job/show.hpp"
#include "tests/runtime/config/samples.hpp"
#include "tests/support/test.hpp"

#include <cstdlib>

using namespace eightfold;
using namespace eightfold::runtime::config;

TEST_CASE("overrides replace what the file says, the last one wins") {
  const runtime::job::ParsedJob job =
      override_smallest({"job.name=y", "job.seed=7", "job.seed=8", "optimizer.learning_rate=1",
                         "exchange.bucket=1MiB", "model.layer[0].out=20", "checkpoint.dir=a b=c",
                         "schedule.kind='step'", "schedule.step_epochs=[1, 2]"});
  CHECK(job.config.job.name == "y");
  CHECK(job.config.job.seed == 8);
  CHECK(job.config.optimizer.learning_rate == 1.0);
  CHECK(job.config.exchange.bucket == 1U << 20);
  CHECK(job.config.model.layers[0].values.at("out") == Value(std::int64_t{20}));
  CHECK(job.config.checkpoint.dir == "a b=c");
  CHECK(job.config.schedule.step_epochs.size() == 2);
  CHECK(job.origins.at("job.seed").text == "--set job.seed=8");
}

TEST_CASE("overrides are as strict as files") {
  CHECK(complaint_about("job.seed=abc") ==
        "--set job.seed=abc: job.seed is \"abc\"; allowed: an integer, at least 0");
  CHECK(complaint_about("job.seed=") == "--set job.seed=: job.seed is \"\"; allowed: an integer, at least 0");
  CHECK(mentions(complaint_about("job.seed=1, 2"), "job.seed is \"1, 2\"; allowed"));
  CHECK(mentions(complaint_about("job.sed=1"),
                 "--set job.sed=1: unknown key job.sed; allowed in job: name, seed"));
  CHECK(mentions(complaint_about("jab.seed=1"), "--set jab.seed=1: unknown section jab; allowed: job, data"));
  CHECK(mentions(complaint_about("job.device=cude"),
                 "job.device is \"cude\"; allowed: \"auto\", \"host\", \"cuda\"; did"));
  CHECK(mentions(complaint_about("checkpoint.dir=\xff"), "checkpoint.dir is "));
  CHECK(complaint_about("optimizer.decay=0.5") ==
        "--set optimizer.decay=0.5: optimizer.decay has no effect with optimizer.kind = \"sgd\"; allowed "
        "with kind = "
        "\"rmsprop\"");
  for (const std::string wrong : {"", "job.seed", "=", "job.seed=1\njob.epochs=2"})
    CHECK(mentions(complaint_about(wrong), "not an assignment; allowed: section.key=value"));
}

TEST_CASE("an override without a section is told the key that has this name, or nearly this name, in one") {
  CHECK(complaint_about("learning_rate=0.1") ==
        "--set learning_rate=0.1: learning_rate has no section; allowed: section.key=value; did you mean "
        "optimizer.learning_rate?");
  CHECK(mentions(complaint_about("seed=1"), "; did you mean job.seed?"));
  CHECK(mentions(complaint_about("lr=1"), "; did you mean optimizer.learning_rate?"));
  CHECK(mentions(complaint_about("learning_rat=1"), "; did you mean optimizer.learning_rate?"));
  CHECK(complaint_about("qqqqqqqq=1") ==
        "--set qqqqqqqq=1: qqqqqqqq has no section; allowed: section.key=value");
}

TEST_CASE("an override addresses a layer by its index from 0") {
  CHECK(complaint_about("model.layer[1].out=20") ==
        "--set model.layer[1].out=20: no such layer; allowed: model.layer[i], i counting from 0 and below 1");
  for (const std::string index : {"-1", "", "x", "0x0", "99999999999999999999"})
    CHECK(mentions(complaint_about("model.layer[" + index + "].out=20"), "no such layer; allowed"));
  CHECK(mentions(complaint_about("model.layer.out=20"), "no such layer; allowed"));
  CHECK(mentions(complaint_about("model.layer[0.out=20"), "no such layer; allowed"));
  CHECK(mentions(complaint_about("model.layers[0].out=20"), "unknown section"));
  CHECK(mentions(complaint_about("model.layer[0].kernel=3"), "model.layer[0].kernel has no effect with"));
  CHECK(mentions(complaint("job.name = 'x'", {"model.layer[0].out=20"}), "counting from 0 and below 0"));
}

TEST_CASE("paths are expanded, by the file and by --set, and show as what expands to them again") {
  ::setenv("EF_DATA", "/d$x", 1);
  const std::string job = kSmallest + "[checkpoint]\ndir = \"$EF_DATA/mine\"\n";
  const runtime::job::ParsedJob parsed = parse_with(job, {"job.run_dir=${EF_DATA}/runs"});
  CHECK(parsed.config.checkpoint.dir == "/d$x/mine");
  CHECK(parsed.config.job.run_dir == "/d$x/runs");
  CHECK(parse_with(runtime::job::resolved_toml(parsed.config)).config.checkpoint.dir == "/d$x/mine");
  ::setenv("EF_DATA", "odd\xFF", 1);
  CHECK(mentions(complaint(job), "checkpoint.dir is \"$EF_DATA/mine\" (a variable in it is no text"));
  ::unsetenv("EF_DATA");
  CHECK(complaint(job) ==
        "job.toml:7:7: checkpoint.dir is \"$EF_DATA/mine\" ($EF_DATA is not set; a dollar sign is $$); "
        "allowed: a path without control characters");
}
