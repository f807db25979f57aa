#include "runtime/job/parse.hpp"

#include "kernels/base/error.hpp"
#include "runtime/config/fill.hpp"
#include "runtime/config/together.hpp"
#include "runtime/data/registry.hpp"
#include "runtime/job/document.hpp"
#include "runtime/job/exchange_keys.hpp"
#include "runtime/job/keys.hpp"

#include <algorithm>
#include <optional>

namespace eightfold::runtime::job {
namespace {

// What follows from the values that are given, and what does not go together.
void complete(const config::Kinds& kinds, config::Choice& choice, const config::Together& together) {
  const config::KindFacts* kind = find_kind(kinds, choice.kind);
  if (kind == nullptr) return;  // is missing, or wrong
  kind->complete(choice);
  kind->check(choice, together);
}

config::Layer make_layer(const config::GivenSection& given, const std::string& prefix,
                         config::Origins& origins, config::ErrorList& errors) {
  config::Layer layer;
  layer.place = given.place;
  fill(layer_section(), prefix, given, layer, origins, errors);
  complete(layer_kinds(), layer, config::Together(prefix, origins, layer.place, errors));
  return layer;
}

void check_batch(const config::JobConfig& config, const config::Together& together) {
  together.check({"job.micro_batch", "job.global_batch"}, [&] {
    if (config.job.micro_batch > config.job.global_batch)
      base::raise<base::ConfigError>("{}: job.micro_batch is {}; allowed: at most job.global_batch = {}",
                                     together.place("job.micro_batch"), config.job.micro_batch,
                                     config.job.global_batch);
  });
}

void check_exchange(const config::Exchange& exchange, const config::Together& together) {
  together.check({"exchange.algorithm", "exchange.codec"}, [&] {
    if (needs_fp32(exchange.algorithm) && exchange.codec != config::Codec::fp32)
      base::raise<base::ConfigError>(
          "{}: exchange.algorithm = \"{}\" cannot go with exchange.codec = \"{}\"; allowed with codec = "
          "\"{}\"",
          together.place("exchange.algorithm"), exchange.algorithm, to_string(exchange.codec),
          to_string(config::Codec::fp32));
  });
}

void check_together(const config::JobConfig& config, const config::Origins& origins,
                    const config::Place& file, config::ErrorList& errors) {
  const config::Together together("", origins, file, errors);
  const std::string_view layers = layer_section().name;
  if (config.model.layers.empty() && !errors.doubts(kModelSection) && !errors.doubts(layers))
    errors.add_missing(file, layers, "one heading [[model.layer]] per layer");
  check_batch(config, together);
  check_exchange(config.exchange, together);
}

}  // namespace

std::optional<std::int64_t> known_steps(const config::JobConfig& config) {
  std::int64_t samples = config.data.train;
  if (samples == 0) samples = data::find_data_kind(config.data.kind).traits.default_train;
  const std::int64_t per_epoch = (samples + config.job.global_batch - 1) / config.job.global_batch;
  const std::int64_t of_epochs = config.job.epochs * per_epoch;
  // Files are not opened to check a job: how many samples they hold is not known yet.
  if (samples == 0) return config.job.steps > 0 ? std::optional(config.job.steps) : std::nullopt;
  return config.job.steps > 0 ? std::min(config.job.steps, of_epochs) : of_epochs;
}

void check_warmup(const config::Schedule& schedule, std::int64_t job_steps) {
  if (schedule.warmup_steps > job_steps)
    base::raise<base::ConfigError>(
        "{}: schedule.warmup_steps is {}; allowed: at most the {} steps that the job has",
        schedule.place.text, schedule.warmup_steps, job_steps);
}

// A job with several mistakes is told all of them at once: every stage collects errors and goes on. A stage
// looks at keys together only if none of them is in doubt, so that one mistake gives one message. Overrides
// come first, because --set may misspell a key just as the file may.
ParsedJob parse_job(std::string_view toml_text, std::string_view source_name,
                    std::span<const std::string> overrides, config::FormerNames former) {
  config::ErrorList errors(source_name);
  config::Tables document = read_document(toml_text, source_name, errors, former);
  for (const std::string_view assignment : overrides)
    errors.collect_for(assignment.substr(0, assignment.find('=')),
                       [&] { add_override(document, assignment); });
  config::reject_unknown_keys(document, job_layout(), errors);

  ParsedJob job;
  for (const auto& section : job_sections())
    config::fill(section, section.name, document.sections.find(section.name)->second, job.config, job.origins,
                 errors);
  const std::vector<config::GivenSection>& layers = document.lists.find(layer_section().name)->second;
  for (std::size_t i = 0; i < layers.size(); ++i)
    job.config.model.layers.push_back(
        make_layer(layers[i], fmt::format("{}[{}]", layer_section().name, i), job.origins, errors));
  job.config.schedule.place = config::place_of(job.origins, "schedule.warmup_steps", document.place);
  complete(data_kinds(), job.config.data, config::Together("data", job.origins, document.place, errors));
  complete(optimizer_kinds(), job.config.optimizer,
           config::Together("optimizer", job.origins, document.place, errors));
  check_together(job.config, job.origins, document.place, errors);
  errors.raise();
  return job;
}

}  // namespace eightfold::runtime::job
