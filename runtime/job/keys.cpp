#include "runtime/job/keys.hpp"

#include "runtime/config/field.hpp"
#include "runtime/config/ranges.hpp"
#include "runtime/data/registry.hpp"
#include "runtime/job/exchange_keys.hpp"
#include "runtime/model/layers/registry.hpp"
#include "runtime/optim/optimizers/registry.hpp"

#include <iterator>

namespace eightfold::runtime::job {
namespace {

config::Condition with_kind(std::vector<std::string_view> kinds) {
  return {"kind", std::move(kinds)};
}

config::Section<config::JobConfig> job_section() {
  return config::section(
      "job", "What is run, and on what.", &config::JobConfig::job,
      {config::field("name", &config::Job::name,
                     {.help = "What the run is called; its directory is `<run_dir>/<name>/<time>`.",
                      .text = config::TextRule::name,
                      .required = true}),
       config::field("seed", &config::Job::seed,
                     {.help = "Initial weights, order of the samples and dropout follow from it.",
                      .range = {.low = 0},
                      .identity = config::Identity::always}),
       config::field("device", &config::Job::device,
                     {.help = "Where ranks compute: \"auto\" takes a GPU for every rank where there is one, "
                              "else the host's cores."}),
       config::field(
           "tf32", &config::Job::tf32,
           {.help = "Lets a GPU round the operands of linear layers and convolutions to TF32, 10 bits of "
                    "mantissa, for its tensor cores; the host has none and computes in fp32."}),
       config::field("epochs", &config::Job::epochs,
                     {.help = "How often the training samples are gone through.",
                      .unit = "epochs",
                      .range = config::at_least(1),
                      .identity = config::Identity::horizon}),
       config::field("steps", &config::Job::steps,
                     {.help = "Ends the job after this many optimizer steps, if the epochs have not ended it "
                              "before; 0: the epochs decide.",
                      .unit = "steps",
                      .range = config::at_least(0),
                      .identity = config::Identity::horizon}),
       config::field("global_batch", &config::Job::global_batch,
                     {.help = "Samples per optimizer step, over all ranks together.",
                      .unit = "samples",
                      .range = config::at_least(1),
                      .identity = config::Identity::always}),
       config::field("micro_batch", &config::Job::micro_batch,
                     {.help = "Samples that a rank takes through the model at once; smaller ones need less "
                              "memory. 0: the whole local batch, a rank's part of global_batch.",
                      .unit = "samples",
                      .range = config::at_least(0)}),
       config::field_as<config::PathField>(
           "run_dir", &config::Job::run_dir,
           {.help = "Directory below which every run gets its own.", .text = config::TextRule::filled}),
       config::field(
           "threads", &config::Job::threads,
           {.help = "Host threads per rank; 0: the cores that the rank may use, shared evenly with "
                    "the other ranks of its machine, and no more than a quota of its control group.",
            .unit = "threads",
            .range = config::between(0, 4096)})});
}

// `kind` itself. The kinds last as long as the program.
template <class Owner>
config::Key<Owner> kind_key(const config::Kinds& kinds, bool required,
                            const std::vector<std::string_view>& names) {
  config::KeyFacts facts;
  facts.name = "kind";
  facts.type = config::Type::choice;
  facts.help = config::help_of(kinds);
  facts.choices = names;
  facts.required = required;
  return {std::move(facts), [](const Owner& owner) { return config::Value(owner.kind); },
          [](Owner& owner, const config::Value& value) { owner.kind = std::get<std::string>(value); }};
}

template <class Owner>
void append(std::vector<config::Key<Owner>>& keys, std::vector<config::Key<Owner>> more) {
  keys.insert(keys.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

config::Section<config::JobConfig> data_section() {
  using config::Data;
  static const config::Kinds kinds = data_kinds();
  static const std::vector<std::string_view> names = names_of(kinds);
  std::vector<std::string_view> with_files;
  for (const data::DataKind* kind : data::all_data_kinds())
    if (kind->traits.has_files) with_files.push_back(kind->name);
  config::Key<Data> kind = kind_key<Data>(kinds, false, names);
  kind.identity = config::Identity::always;
  std::vector<config::Key<Data>> keys = {kind};
  append(keys, config::keys_of_base<Data>(keys_of(kinds)));
  append(
      keys,
      {config::field("train", &Data::train,
                     {.help = "Training samples; 0: all there are (digits: 20000; idx with a count for "
                              "test: all before them).",
                      .unit = "samples",
                      .range = config::at_least(0),
                      .identity = config::Identity::always}),
       config::field("test", &Data::test,
                     {.help = "Test samples; 0: all there are (digits: 4000; idx: the test files). With idx "
                              "a count is taken from the training files, behind the training samples.",
                      .unit = "samples",
                      .range = config::at_least(0),
                      .identity = config::Identity::always}),
       config::field("may_change", &Data::may_change,
                     {.help = "Lets --resume go on with other training samples than those that the "
                              "checkpoint was trained on; mean and deviation stay the checkpoint's.",
                      .only_with = {with_kind(with_files)}})});
  return section("data", "What is learnt.", &config::JobConfig::data, std::move(keys));
}

config::Section<config::JobConfig> optimizer_section() {
  using config::Optimizer;
  static const config::Kinds kinds = optimizer_kinds();
  static const std::vector<std::string_view> names = names_of(kinds);
  std::vector<config::Key<Optimizer>> keys = {
      kind_key<Optimizer>(kinds, false, names),
      field("learning_rate", &Optimizer::learning_rate,
            {.help = "Step size, before the schedule.", .range = config::positive()}),
      field("clip_norm", &Optimizer::clip_norm,
            {.help = "A gradient whose norm is larger is scaled down to it; 0: no clipping.",
             .range = config::not_negative()})};
  append(keys, config::keys_of_base<Optimizer>(keys_of(kinds)));
  for (auto& key : keys) key.identity = config::Identity::always;
  return section("optimizer", "How gradients become steps.", &config::JobConfig::optimizer, std::move(keys));
}

config::Section<config::JobConfig> schedule_section() {
  const std::vector<config::Condition> step = {with_kind({"step"})};
  return config::section(
      "schedule", "How the learning rate changes.", &config::JobConfig::schedule,
      {config::field(
           "kind", &config::Schedule::kind,
           {.help =
                "\"constant\"; \"step\": multiplied by factor after each of step_epochs; \"cosine\": down "
                "half a cosine wave to final_fraction.",
            .identity = config::Identity::always}),
       config::field(
           "warmup_steps", &config::Schedule::warmup_steps,
           {.help =
                "Over the first so many steps, at most all of the job's, the rate rises in a straight line.",
            .unit = "steps",
            .range = config::at_least(0),
            .identity = config::Identity::always}),
       config::field("step_epochs", &config::Schedule::step_epochs,
                     {.help = "After each of these epochs the rate is multiplied by factor.",
                      .unit = "epochs",
                      .range = config::at_least(1),
                      .only_with = step,
                      .required = true,
                      .identity = config::Identity::always}),
       config::field("factor", &config::Schedule::factor,
                     {.help = "What the rate is multiplied by.",
                      .range = {.low = 0, .high = 1, .above_low = true},
                      .only_with = step,
                      .identity = config::Identity::always}),
       config::field("final_fraction", &config::Schedule::final_fraction,
                     {.help = "The rate of the last step, as a part of learning_rate.",
                      .range = config::between(0, 1),
                      .only_with = {with_kind({"cosine"})},
                      .identity = config::Identity::always})});
}

config::Section<config::JobConfig> guard_section() {
  return config::section(
      "guard", "What becomes of a step whose gradient looks wrong ([reliability.md](reliability.md#guards)).",
      &config::JobConfig::guard,
      {config::field(
           "non_finite", &config::Guard::non_finite,
           {.help = "A gradient with an infinity or a NaN: \"stop\" ends the job with exit code 7, \"skip\" "
                    "leaves weights and optimizer as they are, \"off\" does not look; a loss that is not "
                    "finite ends the job in any case.",
            .identity = config::Identity::always}),
       config::field(
           "spike", &config::Guard::spike,
           {.help = "A gradient whose norm is so many standard deviations above the mean of the last 128 "
                    "that were taken is a spike; 0: none is. Clipping comes after it.",
            .range = config::between(0, 1000),
            .identity = config::Identity::always}),
       config::field(
           "spike_policy", &config::Guard::spike_policy,
           {.help = "\"skip\" or \"stop\", as with non_finite.", .identity = config::Identity::always}),
       config::field(
           "skip_limit", &config::Guard::skip_limit,
           {.help = "Steps skipped in a row that are borne; one more ends the job with exit code 7.",
            .unit = "steps",
            .range = config::at_least(0),
            .identity = config::Identity::always})});
}

config::Section<config::JobConfig> evaluation_section() {
  return config::section(
      "evaluation", "When the test samples are tried.", &config::JobConfig::evaluation,
      {config::field("every", &config::Evaluation::every,
                     {.help = "Epochs between evaluations; 0: only at the end.",
                      .unit = "epochs",
                      .range = config::at_least(0)}),
       config::field("target_accuracy", &config::Evaluation::target_accuracy,
                     {.help = "Ends the job once this part of the test samples is recognised; 0: never.",
                      .range = config::between(0, 1)})});
}

config::Section<config::JobConfig> checkpoint_section() {
  return config::section(
      "checkpoint", "What outlives the job.", &config::JobConfig::checkpoint,
      {config::field("every", &config::Checkpoint::every,
                     {.help = "Steps between checkpoints; 0: one after every epoch; -1: none.",
                      .unit = "steps",
                      .range = config::at_least(-1)}),
       config::field(
           "keep", &config::Checkpoint::keep,
           {.help = "Checkpoints that are kept; the oldest goes first.", .range = config::at_least(2)}),
       config::field_as<config::PathField>(
           "dir", &config::Checkpoint::dir,
           {.help = "Their directory; empty: checkpoints/ in the run's directory."}),
       config::field("asynchronous", &config::Checkpoint::asynchronous,
                     {.help = "Copy the state and write it while training goes on; takes host memory for "
                              "one more copy."})});
}

config::Section<config::JobConfig> telemetry_section() {
  return config::section(
      "telemetry", "What a run tells about itself.", &config::JobConfig::telemetry,
      {config::field("interval", &config::Telemetry::interval,
                     {.help = "Steps between two lines on the console and in metrics.jsonl.",
                      .unit = "steps",
                      .range = config::at_least(1)}),
       config::field("trace", &config::Telemetry::trace,
                     {.help = "Write trace.json, a timeline for chrome://tracing or Perfetto."}),
       config::field("health", &config::Telemetry::health,
                     {.help = "Say at every interval what NVML knows of the GPUs: clocks, temperatures, "
                              "power, memory, throttling. metrics.jsonl has it in any case."})});
}

config::Section<config::JobConfig> watchdog_section() {
  const config::Range time = config::between(0, 1000 * 3600);
  return config::section(
      "watchdog",
      "How long a rank may take for what it does before the job ends with exit code 6, and a line says which "
      "rank "
      "is late. A deadline grows with the run: it is at least five times what the phase has taken at most.",
      &config::JobConfig::watchdog,
      {config::field(
           "deadline", &config::Watchdog::deadline,
           {.help = "Of loading, computing and exchanging within a step, and of an evaluation; \"0s\": none.",
            .range = time}),
       config::field("start_up", &config::Watchdog::start_up,
                     {.help = "Of everything before the first step; \"0s\": none.", .range = time}),
       config::field("checkpoint", &config::Watchdog::checkpoint,
                     {.help = "Of a checkpoint; \"0s\": none.", .range = time})});
}

config::Section<config::Layer> all_layer_keys() {
  using config::Layer;
  static const config::Kinds kinds = layer_kinds();
  static const std::vector<std::string_view> names = names_of(kinds);
  config::Section<Layer> result{
      "model.layer",
      "One heading per layer, in the order of the forward pass. Images are flattened before a linear layer "
      "by themselves; the loss, softmax cross-entropy, follows the last layer.",
      {kind_key<Layer>(kinds, true, names)}};
  append(result.keys, config::keys_of_base<Layer>(keys_of(kinds)));
  for (auto& key : result.keys) key.identity = config::Identity::always;
  return result;
}

}  // namespace

config::Kinds layer_kinds() {
  const auto& all = model::layers::all_layer_kinds();
  return {all.begin(), all.end()};
}

config::Kinds data_kinds() {
  const auto& all = data::all_data_kinds();
  return {all.begin(), all.end()};
}

config::Kinds optimizer_kinds() {
  const auto& all = optim::optimizers::all_optimizer_kinds();
  return {all.begin(), all.end()};
}

const std::vector<config::Section<config::JobConfig>>& job_sections() {
  static const std::vector<config::Section<config::JobConfig>> sections = {
      job_section(),   data_section(),       optimizer_section(),  schedule_section(),  exchange_section(),
      guard_section(), evaluation_section(), checkpoint_section(), telemetry_section(), watchdog_section()};
  return sections;
}

const config::Section<config::Layer>& layer_section() {
  static const config::Section<config::Layer> section = all_layer_keys();
  return section;
}

const config::Layout& job_layout() {
  static const config::Layout layout = [] {
    config::Layout all;
    for (const auto& section : job_sections()) all.push_back(config::table_facts(section));
    all.push_back(config::table_facts(layer_section(), true));
    return all;
  }();
  return layout;
}

}  // namespace eightfold::runtime::job
