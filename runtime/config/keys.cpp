#include "runtime/config/keys.hpp"

#include "runtime/config/exchange_keys.hpp"
#include "runtime/config/field.hpp"
#include "runtime/config/ranges.hpp"

namespace eightfold::runtime::config {
namespace {

Condition with_kind(std::vector<std::string_view> kinds) {
  return {"kind", std::move(kinds)};
}

Section<JobConfig> job_section() {
  return section(
      "job", "What is run, and on what.", &JobConfig::job,
      {field("name", &Job::name,
             {.help = "What the run is called; its directory is `<run_dir>/<name>/<time>`.",
              .text = TextRule::name,
              .required = true}),
       field("seed", &Job::seed,
             {.help = "Initial weights, order of the samples and dropout follow from it.",
              .range = {.low = 0},
              .identity = Identity::always}),
       field("device", &Job::device,
             {.help = "Where ranks compute: \"auto\" takes a GPU for every rank where there is one, "
                      "else the host's cores."}),
       field("tf32", &Job::tf32,
             {.help = "Lets a GPU round the operands of linear layers and convolutions to TF32, 10 bits of "
                      "mantissa, for its tensor cores; the host has none and computes in fp32."}),
       field("epochs", &Job::epochs,
             {.help = "How often the training samples are gone through.",
              .unit = "epochs",
              .range = at_least(1),
              .identity = Identity::horizon}),
       field("steps", &Job::steps,
             {.help = "Ends the job after this many optimizer steps, if the epochs have not ended it "
                      "before; 0: the epochs decide.",
              .unit = "steps",
              .range = at_least(0),
              .identity = Identity::horizon}),
       field("global_batch", &Job::global_batch,
             {.help = "Samples per optimizer step, over all ranks together.",
              .unit = "samples",
              .range = at_least(1),
              .identity = Identity::always}),
       field("micro_batch", &Job::micro_batch,
             {.help = "Samples that a rank takes through the model at once; smaller ones need less "
                      "memory. 0: the rank's whole share of global_batch.",
              .unit = "samples",
              .range = at_least(0)}),
       field_as<PathField>(
           "run_dir", &Job::run_dir,
           {.help = "Directory below which every run gets its own.", .text = TextRule::filled}),
       field("threads", &Job::threads,
             {.help = "Host threads per rank; 0: the cores that the rank may use, shared evenly with "
                      "the other ranks of its machine, and no more than a quota of its control group.",
              .unit = "threads",
              .range = between(0, 4096)})});
}

Section<JobConfig> data_section() {
  const std::vector<Condition> files = {with_kind({"idx", "cifar10", "cifar100"})};
  const std::vector<Condition> idx = {with_kind({"idx"})};
  return section(
      "data", "What is learnt.", &JobConfig::data,
      {field("kind", &Data::kind,
             {.help =
                  "\"digits\": drawn digits, generated from the seed, no files needed. \"idx\": the files of "
                  "MNIST and its relatives. \"cifar10\", \"cifar100\": their binary versions.",
              .identity = Identity::always}),
       field_as<PathField>("dir", &Data::dir,
                           {.help = "Directory of the files.", .text = TextRule::filled, .only_with = files}),
       field_as<PathField>("images", &Data::images,
                           {.help = "Training images, IDX, also gzip-compressed.",
                            .text = TextRule::filled,
                            .only_with = idx,
                            .identity = Identity::always}),
       field_as<PathField>("labels", &Data::labels,
                           {.help = "Training labels, IDX, also gzip-compressed.",
                            .text = TextRule::filled,
                            .only_with = idx,
                            .identity = Identity::always}),
       field_as<PathField>("test_images", &Data::test_images,
                           {.help = "Test images.", .text = TextRule::filled, .only_with = idx}),
       field_as<PathField>("test_labels", &Data::test_labels,
                           {.help = "Test labels.", .text = TextRule::filled, .only_with = idx}),
       field("train", &Data::train,
             {.help = "Training samples; 0: all there are (digits: 20000; idx with a count for test: all "
                      "before them).",
              .unit = "samples",
              .range = at_least(0),
              .identity = Identity::always}),
       field("test", &Data::test,
             {.help = "Test samples; 0: all there are (digits: 4000; idx: the test files). With idx a count "
                      "is taken from the "
                      "training files, behind the training samples.",
              .unit = "samples",
              .range = at_least(0),
              .identity = Identity::always}),
       field("may_change", &Data::may_change,
             {.help = "Lets --resume go on with other training samples than those that the checkpoint was "
                      "trained on; mean and deviation stay the checkpoint's.",
              .only_with = files})});
}

Section<JobConfig> optimizer_section() {
  const std::vector<Condition> adamw = {with_kind({"adamw"})};
  return section(
      "optimizer", "How gradients become steps.", &JobConfig::optimizer,
      {field("kind", &Optimizer::kind,
             {.help =
                  "\"sgd\": gradient descent, with momentum if it is not 0. \"rmsprop\": Tieleman and Hinton "
                  "2012. \"adamw\": Loshchilov and Hutter 2019.",
              .identity = Identity::always}),
       field("learning_rate", &Optimizer::learning_rate,
             {.help = "Step size, before the schedule.", .range = positive(), .identity = Identity::always}),
       field("momentum", &Optimizer::momentum,
             {.help = "Part of the last step that is taken again.",
              .range = from_to_below(0, 1),
              .only_with = {with_kind({"sgd", "rmsprop"})},
              .identity = Identity::always}),
       field("nesterov", &Optimizer::nesterov,
             {.help = "Nesterov's momentum: look ahead along the momentum; needs momentum above 0.",
              .only_with = {with_kind({"sgd"})},
              .identity = Identity::always}),
       field("decay", &Optimizer::decay,
             {.help = "Of the mean square of the gradient.",
              .range = from_to_below(0, 1),
              .only_with = {with_kind({"rmsprop"})},
              .identity = Identity::always}),
       field("beta1", &Optimizer::beta1,
             {.help = "Decay of the mean gradient.",
              .range = from_to_below(0, 1),
              .only_with = adamw,
              .identity = Identity::always}),
       field("beta2", &Optimizer::beta2,
             {.help = "Decay of the mean square of the gradient.",
              .range = from_to_below(0, 1),
              .only_with = adamw,
              .identity = Identity::always}),
       field("epsilon", &Optimizer::epsilon,
             {.help = "Added to the root of the mean square, against division by zero.",
              .range = positive(),
              .only_with = {with_kind({"rmsprop", "adamw"})},
              .identity = Identity::always}),
       field("weight_decay", &Optimizer::weight_decay,
             {.help = "Pull of the weights towards 0: added to the gradient; adamw: apart from it.",
              .range = not_negative(),
              .identity = Identity::always}),
       field("clip_norm", &Optimizer::clip_norm,
             {.help = "A gradient whose norm is larger is scaled down to it; 0: no clipping.",
              .range = not_negative(),
              .identity = Identity::always})});
}

Section<JobConfig> schedule_section() {
  const std::vector<Condition> step = {with_kind({"step"})};
  return section(
      "schedule", "How the learning rate changes.", &JobConfig::schedule,
      {field("kind", &Schedule::kind,
             {.help =
                  "\"constant\"; \"step\": multiplied by factor after each of step_epochs; \"cosine\": down "
                  "half a cosine wave to final_fraction.",
              .identity = Identity::always}),
       field(
           "warmup_steps", &Schedule::warmup_steps,
           {.help =
                "Over the first so many steps, at most all of the job's, the rate rises in a straight line.",
            .unit = "steps",
            .range = at_least(0),
            .identity = Identity::always}),
       field("step_epochs", &Schedule::step_epochs,
             {.help = "After each of these epochs the rate is multiplied by factor.",
              .unit = "epochs",
              .range = at_least(1),
              .only_with = step,
              .required = true,
              .identity = Identity::always}),
       field("factor", &Schedule::factor,
             {.help = "What the rate is multiplied by.",
              .range = {.low = 0, .high = 1, .above_low = true},
              .only_with = step,
              .identity = Identity::always}),
       field("final_fraction", &Schedule::final_fraction,
             {.help = "The rate of the last step, as a part of learning_rate.",
              .range = between(0, 1),
              .only_with = {with_kind({"cosine"})},
              .identity = Identity::always})});
}

Section<JobConfig> guard_section() {
  return section(
      "guard", "What becomes of a step whose gradient looks wrong ([reliability.md](reliability.md#guards)).",
      &JobConfig::guard,
      {field(
           "non_finite", &Guard::non_finite,
           {.help = "A gradient with an infinity or a NaN: \"stop\" ends the job with exit code 7, \"skip\" "
                    "leaves weights and optimizer as they are, \"off\" does not look; a loss that is not "
                    "finite ends the job in any case.",
            .identity = Identity::always}),
       field("spike", &Guard::spike,
             {.help = "A gradient whose norm is so many standard deviations above the mean of the last 128 "
                      "that were taken is a spike; 0: none is. Clipping comes after it.",
              .range = between(0, 1000),
              .identity = Identity::always}),
       field("spike_policy", &Guard::spike_policy,
             {.help = "\"skip\" or \"stop\", as with non_finite.", .identity = Identity::always}),
       field("skip_limit", &Guard::skip_limit,
             {.help = "Steps skipped in a row that are borne; one more ends the job with exit code 7.",
              .unit = "steps",
              .range = at_least(0),
              .identity = Identity::always})});
}

Section<JobConfig> evaluation_section() {
  return section("evaluation", "When the test samples are tried.", &JobConfig::evaluation,
                 {field("every", &Evaluation::every,
                        {.help = "Epochs between evaluations; 0: only at the end.",
                         .unit = "epochs",
                         .range = at_least(0)}),
                  field("target_accuracy", &Evaluation::target_accuracy,
                        {.help = "Ends the job once this part of the test samples is recognised; 0: never.",
                         .range = between(0, 1)})});
}

Section<JobConfig> checkpoint_section() {
  return section(
      "checkpoint", "What outlives the job.", &JobConfig::checkpoint,
      {field("every", &Checkpoint::every,
             {.help = "Steps between checkpoints; 0: one after every epoch; -1: none.",
              .unit = "steps",
              .range = at_least(-1)}),
       field("keep", &Checkpoint::keep,
             {.help = "Checkpoints that are kept; the oldest goes first.", .range = at_least(2)}),
       field_as<PathField>("dir", &Checkpoint::dir,
                           {.help = "Their directory; empty: checkpoints/ in the run's directory."}),
       field("asynchronous", &Checkpoint::asynchronous,
             {.help = "Copy the state and write it while training goes on; takes host memory for "
                      "one more copy."})});
}

Section<JobConfig> telemetry_section() {
  return section("telemetry", "What a run tells about itself.", &JobConfig::telemetry,
                 {field("interval", &Telemetry::interval,
                        {.help = "Steps between two lines on the console and in metrics.jsonl.",
                         .unit = "steps",
                         .range = at_least(1)}),
                  field("trace", &Telemetry::trace,
                        {.help = "Write trace.json, a timeline for chrome://tracing or Perfetto."}),
                  field("health", &Telemetry::health,
                        {.help = "Say at every interval what NVML knows of the GPUs: clocks, temperatures, "
                                 "power, memory, throttling. metrics.jsonl has it in any case."})});
}

Section<JobConfig> watchdog_section() {
  const Range time = between(0, 1000 * 3600);
  return section(
      "watchdog",
      "How long a rank may take for what it does before the job ends with exit code 6, and a line says which "
      "rank "
      "is late. A deadline grows with the run: it is at least five times what the phase has taken at most.",
      &JobConfig::watchdog,
      {field(
           "deadline", &Watchdog::deadline,
           {.help = "Of loading, computing and exchanging within a step, and of an evaluation; \"0s\": none.",
            .range = time}),
       field("start_up", &Watchdog::start_up,
             {.help = "Of everything before the first step; \"0s\": none.", .range = time}),
       field("checkpoint", &Watchdog::checkpoint,
             {.help = "Of a checkpoint; \"0s\": none.", .range = time})});
}

// What has weights, and how they begin.
std::vector<Key<Layer>> weight_keys() {
  const Condition weighted = with_kind({"linear", "conv2d"});
  return {
      field("out", &Layer::out,
            {.help = "linear: units; conv2d: channels.",
             .range = at_least(1),
             .only_with = {weighted},
             .required = true}),
      field("init", &Layer::init,
            {.help =
                 "First weights. \"he\": normal, variance 2 / inputs (He et al. 2015). \"glorot\": uniform, "
                 "variance 2 / (inputs + outputs) (Glorot and Bengio 2010). \"normal\": with init_stddev.",
             .only_with = {weighted}}),
      field("init_stddev", &Layer::init_stddev,
            {.help = "Standard deviation of the first weights.",
             .range = positive(),
             .only_with = {weighted, {"init", {"normal"}}}}),
      field("init_bias", &Layer::init_bias,
            {.help = "First value of every bias.", .range = between(-1e6, 1e6), .only_with = {weighted}})};
}

// What looks through a window that moves over an image.
std::vector<Key<Layer>> window_keys() {
  const Condition windowed = with_kind({"conv2d", "max_pool", "average_pool"});
  return {
      field("kernel", &Layer::kernel,
            {.help = "Width and height of the window.",
             .unit = "pixels",
             .range = between(1, 4096),
             .only_with = {windowed},
             .required = true}),
      field("stride", &Layer::stride,
            {.help = "From one window to the next; 0: 1 for conv2d, the kernel for pooling.",
             .unit = "pixels",
             .range = between(0, 4096),
             .only_with = {windowed}}),
      field("padding", &Layer::padding,
            {.help = "Zeros around the image; pooling does not count them, and needs less than the kernel.",
             .unit = "pixels",
             .range = between(0, 4096),
             .only_with = {windowed}}),
      field("groups", &Layer::groups,
            {.help = "Channels are cut into this many groups that do not see each other.",
             .range = at_least(1),
             .only_with = {with_kind({"conv2d"})}})};
}

std::vector<Key<Layer>> regularising_keys() {
  const std::vector<Condition> lrn = {with_kind({"lrn"})};
  return {
      field("rate", &Layer::rate,
            {.help = "Probability that a value is dropped in training.",
             .range = from_to_below(0, 1),
             .only_with = {with_kind({"dropout"})}}),
      field("size", &Layer::size,
            {.help = "Neighbouring channels that are counted together; odd.",
             .unit = "channels",
             .range = between(1, 4095),
             .only_with = lrn}),
      field("alpha", &Layer::alpha,
            {.help = "Strength, divided by size: x / (k + alpha / size * sum of squares)^beta.",
             .range = not_negative(),
             .only_with = lrn}),
      field("beta", &Layer::beta, {.help = "Exponent.", .range = not_negative(), .only_with = lrn}),
      field("k", &Layer::k, {.help = "What stands beside the sum.", .range = positive(), .only_with = lrn})};
}

Section<Layer> all_layer_keys() {
  Section<Layer> result{
      "model.layer",
      "One heading per layer, in the order of the forward pass. Images are flattened before a linear layer "
      "by "
      "themselves; the loss, softmax cross-entropy, follows the last layer.",
      {field("kind", &Layer::kind,
             {.help = "\"linear\": every output sees every input. \"conv2d\": convolution. \"max_pool\", "
                      "\"average_pool\": pooling. \"relu\": max(0, x). \"dropout\": drops values at random. "
                      "\"lrn\": local response normalisation (Krizhevsky et al. 2012, section 3.3).",
              .required = true})}};
  for (const auto& keys : {weight_keys(), window_keys(), regularising_keys()})
    result.keys.insert(result.keys.end(), keys.begin(), keys.end());
  for (Key<Layer>& key : result.keys) key.identity = Identity::always;
  return result;
}

}  // namespace

const std::vector<Section<JobConfig>>& job_sections() {
  static const std::vector<Section<JobConfig>> sections = {
      job_section(),   data_section(),       optimizer_section(),  schedule_section(),  exchange_section(),
      guard_section(), evaluation_section(), checkpoint_section(), telemetry_section(), watchdog_section()};
  return sections;
}

const Section<Layer>& layer_section() {
  static const Section<Layer> section = all_layer_keys();
  return section;
}

const Layout& job_layout() {
  static const Layout layout = [] {
    Layout all;
    for (const auto& section : job_sections()) all.push_back(table_facts(section));
    all.push_back(table_facts(layer_section(), true));
    return all;
  }();
  return layout;
}

}  // namespace eightfold::runtime::config
