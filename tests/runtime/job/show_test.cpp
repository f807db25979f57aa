#include "runtime/job/show.hpp"

#include "kernels/base/file.hpp"
#include "kernels/base/parse.hpp"
#include "runtime/config/names.hpp"
#include "runtime/job/keys.hpp"
#include "tests/runtime/config/samples.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <random>
#include <set>

using namespace eightfold;
using namespace eightfold::runtime::config;

namespace {

constexpr std::size_t kFileLimit = 1 << 20;

using Random = std::mt19937_64;

double random_in(const Range& range, Random& random) {
  const double low = std::isfinite(range.low) ? range.low : -1e6;
  const double high = std::isfinite(range.high) ? range.high : 1e9;
  const double span =
      std::uniform_int_distribution<int>(0, 1)(random) == 0 ? high - low : std::min(high - low, 64.0);
  return low + span * std::uniform_real_distribution<double>(0.001, 0.999)(random);
}

std::string random_text(TextRule rule, Random& random) {
  static const std::vector<std::string> pieces = {"a", "Z",  "9",  ".", "-", "_",
                                                  " ", "\"", "\\", "'", "#", "\xC3\xA4"};
  const std::size_t choices = rule == TextRule::name ? 6 : pieces.size();
  std::string text = "x";
  for (int i = std::uniform_int_distribution<int>(0, 12)(random); i > 0; --i)
    text += pieces[std::uniform_int_distribution<std::size_t>(0, choices - 1)(random)];
  return text;
}

Value random_value(const KeyFacts& key, Random& random) {
  const auto whole = [&] { return static_cast<std::int64_t>(std::ceil(random_in(key.range, random))); };
  switch (key.type) {
    case Type::boolean:
      return random() % 2 == 0;
    case Type::integer:
      return whole();
    case Type::real:
      return random_in(key.range, random);
    case Type::text:
      return random_text(key.text, random);
    case Type::path:
      return random_text(key.text, random) + "$$";
    case Type::choice:
      return std::string(key.choices[random() % key.choices.size()]);
    case Type::bytes:
      return base::format_bytes(static_cast<std::uint64_t>(whole()));
    case Type::duration:
      return base::format_duration(std::chrono::seconds(whole()));
    case Type::integers:
      break;
  }
  std::set<std::int64_t> numbers;
  for (int i = 0; i < 5; ++i) numbers.insert(whole());
  return std::vector<std::int64_t>(numbers.begin(), numbers.end());
}

template <class Owner>
void randomise(const Section<Owner>& section, Owner& owner, Random& random) {
  for (const Key<Owner>& key : section.keys) {
    const Value value = random_value(key, random);
    REQUIRE(key.accepts(value));
    if (section.unmet_condition(key, owner) == nullptr) key.set(owner, value);
  }
}

// A job that obeys every rule, else arbitrary.
JobConfig random_job(Random& random) {
  JobConfig config;
  for (const auto& section : runtime::job::job_sections()) randomise(section, config, random);
  config.job.global_batch = std::max(config.job.global_batch, config.job.micro_batch);
  config.schedule.warmup_steps = std::min(config.schedule.warmup_steps, std::int64_t{1});
  if (config.optimizer.kind == "sgd") config.optimizer.values["nesterov"] = false;
  if (config.exchange.codec != Codec::fp32) config.exchange.algorithm = "two_shot";
  config.model.layers.resize(1 + random() % 8);
  for (Layer& layer : config.model.layers) {
    randomise(runtime::job::layer_section(), layer, random);
    const auto set = [&](const char* key, std::int64_t value) { layer.values[key] = value; };
    if (layer.kind == "lrn") set("size", 5);
    if (layer.kind == "conv2d") set("out", 4);
    if (layer.kind == "conv2d") set("groups", 2);
    if (layer.kind.ends_with("_pool")) set("kernel", 7);
    if (layer.kind.ends_with("_pool")) set("padding", 6);
    if (layer.values.contains("stride")) set("stride", 3);
  }
  return config;
}

template <class Owner>
void check_equal(const Section<Owner>& section, const Owner& a, const Owner& b) {
  for (const Key<Owner>& key : section.keys)
    if (section.unmet_condition(key, a) == nullptr) {
      INFO(section.name << "." << key.name);
      CHECK(key.get(a) == key.get(b));
    }
}

void check_round_trip(const JobConfig& config) {
  const std::string text = runtime::job::resolved_toml(config);
  INFO(text);
  const JobConfig again = runtime::job::parse_job(text, "resolved").config;
  for (const auto& section : runtime::job::job_sections()) check_equal(section, config, again);
  REQUIRE(again.model.layers.size() == config.model.layers.size());
  for (std::size_t i = 0; i < config.model.layers.size(); ++i)
    check_equal(runtime::job::layer_section(), config.model.layers[i], again.model.layers[i]);
  CHECK(runtime::job::resolved_toml(again) == text);
}

// A value that the key accepts and that is not the one it has.
Value other_value(const KeyFacts& key, const Value& present, Random& random) {
  Value value = present;
  for (int tries = 0; value == present && tries < 1000; ++tries) value = random_value(key, random);
  return value;
}

// Every key that has an effect in `owner` shows in the text that `show` makes of it. Adds their names to
// `seen`.
template <class Owner, class Show>
void check_shows(const Section<Owner>& section, const Owner& owner, const Show& show, Random& random,
                 std::set<std::string_view>& seen) {
  for (const Key<Owner>& key : section.keys) {
    if (section.unmet_condition(key, owner) != nullptr ||
        (key.type == Type::choice && key.choices.size() == 1))
      continue;
    Owner changed = owner;
    key.set(changed, other_value(key, key.get(owner), random));
    INFO(section.name << "." << key.name);
    CHECK(show(changed) != show(owner));
    seen.insert(key.name);
  }
}

}  // namespace

TEST_CASE("the jobs in configs/jobs are valid and survive being resolved") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(EIGHTFOLD_SOURCE_DIR "/configs/jobs")) {
    const std::string source = entry.path().filename().string();
    INFO(source);
    const runtime::job::ParsedJob job =
        runtime::job::parse_job(base::read_file(entry.path(), kFileLimit), source);
    CHECK(job.config.job.name + ".toml" == source);
    check_round_trip(job.config);
    ++count;
  }
  CHECK(count >= 5);
}

TEST_CASE("any job survives being resolved and read again, to the last bit") {
  Random random(1);
  for (int i = 0; i < 200; ++i) check_round_trip(random_job(random));
}

TEST_CASE("every key reaches a field of its own and shows when it changes") {
  Random random(2);
  const JobConfig config = parse_with(kSmallest).config;
  const auto show = [](const JobConfig& job) { return runtime::job::resolved_toml(job); };
  for (const auto& section : runtime::job::job_sections()) {
    std::set<std::string_view> seen;
    check_shows(section, JobConfig(config), show, random, seen);
    for (const auto& key : section.keys)  // what others need to have an effect
      for (const std::string_view choice : key.choices) {
        JobConfig job = config;
        key.set(job, std::string(choice));
        check_shows(section, job, show, random, seen);
      }
    for (const auto& key : section.keys)
      CHECK((seen.contains(key.name) || (key.type == Type::choice && key.choices.size() == 1)));
  }
}

TEST_CASE("every key of a layer reaches a field of its own and shows when it changes") {
  Random random(3);
  std::set<std::string_view> seen;
  const auto show = [](const Layer& layer) {
    JobConfig job;
    job.model.layers = {layer};
    return runtime::job::resolved_toml(job);
  };
  for (const KindFacts* kind : runtime::job::layer_kinds()) {
    Layer layer;
    layer.kind = kind->name;
    if (std::ranges::find(kind->keys, "init", &KeyFacts::name) != kind->keys.end())
      layer.values["init"] = "normal";
    check_shows(runtime::job::layer_section(), layer, show, random, seen);
  }
  CHECK(seen.size() == runtime::job::layer_section().keys.size());
}

TEST_CASE("origins stand behind the values and cannot break out of their comment") {
  const runtime::job::ParsedJob job =
      runtime::job::parse_job(kSmallest, "evil\nname", std::vector<std::string>{"job.seed=7"});
  const std::string text = runtime::job::resolved_toml_with_origins(job);
  const auto has_line = [&](const char* line, const char* origin) {
    return text.find(fmt::format("\n{:<40}  # {}\n", line, origin)) != std::string::npos;
  };
  CHECK(has_line("name = \"x\"", "evil?name:2:8"));
  CHECK(has_line("seed = 7", "--set job.seed=7"));
  CHECK(has_line("epochs = 10", "default"));
  CHECK(runtime::job::resolved_toml(parse_with(text).config) == runtime::job::resolved_toml(job.config));
}

TEST_CASE("only keys that have an effect are shown") {
  const std::string text = runtime::job::resolved_toml(override_smallest({"optimizer.kind=adamw"}).config);
  CHECK(text.find("beta1 = 0.9\n") != std::string::npos);
  CHECK(text.find("momentum") == std::string::npos);
  CHECK(text.find("kernel") == std::string::npos);
}

TEST_CASE("a job does not differ from itself") {
  Random random(4);
  const JobConfig config = random_job(random);
  CHECK(runtime::job::differences(config, config).empty());
}

TEST_CASE("differences name the keys that decide the numbers of training, with both values") {
  const JobConfig before = override_smallest({"optimizer.momentum=0.9"}).config;
  const JobConfig after = override_smallest({"optimizer.momentum=0.8", "job.seed=2", "model.layer[0].out=11",
                                             "schedule.kind=cosine"})
                              .config;
  CHECK(runtime::job::differences(before, after) ==
        std::vector<std::string>{"job.seed: checkpoint 1, job 2",
                                 "optimizer.momentum: checkpoint 0.9, job 0.8",
                                 "schedule.kind: checkpoint \"constant\", job \"cosine\"",
                                 "model.layer[0].out: checkpoint 10, job 11"});
}

TEST_CASE("a changed choice is one difference, not one for each key that depends on it") {
  const JobConfig sgd = override_smallest({"optimizer.momentum=0.9"}).config;
  const JobConfig adamw = override_smallest({"optimizer.kind=adamw", "optimizer.beta1=0.5"}).config;
  CHECK(runtime::job::differences(sgd, adamw) ==
        std::vector<std::string>{"optimizer.kind: checkpoint \"sgd\", job \"adamw\""});
}

TEST_CASE("what gradients lose on their way decides the numbers of training") {
  const JobConfig before = parse_with(kSmallest).config;
  const JobConfig after = override_smallest({"exchange.codec=linear4", "exchange.rounding=stochastic",
                                             "exchange.error_feedback=on", "exchange.scaling=tensor"})
                              .config;
  CHECK(runtime::job::differences(before, after) ==
        std::vector<std::string>{"exchange.codec: checkpoint \"dynamic-tree8\", job \"linear4\"",
                                 "exchange.error_feedback: checkpoint \"auto\", job \"on\"",
                                 "exchange.rounding: checkpoint \"nearest\", job \"stochastic\"",
                                 "exchange.scaling: checkpoint \"block\", job \"tensor\""});
}

TEST_CASE("another number of layers is one difference") {
  const JobConfig one = parse_with(kSmallest).config;
  const JobConfig two = parse_with(kSmallest + "[[model.layer]]\nkind = 'relu'").config;
  CHECK(runtime::job::differences(one, two) ==
        std::vector<std::string>{"model.layer: checkpoint 1 layers, job 2"});
}

TEST_CASE("a job may be prolonged unless its schedule looks ahead to the end") {
  const auto longer = [](const std::string& schedule) {
    const std::string kind = "schedule.kind=" + schedule;
    return runtime::job::differences(override_smallest({kind}).config,
                                     override_smallest({kind, "job.epochs=20"}).config);
  };
  CHECK(longer("constant").empty());
  CHECK(longer("cosine") == std::vector<std::string>{"job.epochs: checkpoint 10, job 20"});
}

TEST_CASE("what does not decide the numbers may change freely") {
  const JobConfig before = parse_with(kSmallest).config;
  const JobConfig after =
      override_smallest({"job.name=y", "job.micro_batch=8", "job.device=cuda", "telemetry.trace=true",
                         "checkpoint.every=3", "exchange.bucket=1MiB", "exchange.algorithm=ring",
                         "exchange.verify=true", "exchange.replica_check=3"})
          .config;
  CHECK(runtime::job::differences(before, after).empty());
}
