#include "runtime/job/parse.hpp"

#include "comm/schedules/generators.hpp"
#include "kernels/base/error.hpp"
#include "runtime/config/fill.hpp"
#include "runtime/config/names.hpp"
#include "runtime/job/document.hpp"
#include "runtime/job/keys.hpp"

#include <algorithm>
#include <optional>

namespace eightfold::runtime::job {
namespace {

bool is_pooling(config::LayerKind kind) {
  return kind == config::LayerKind::max_pool || kind == config::LayerKind::average_pool;
}

// The checks of keys that go together: each is made if none of its keys is in doubt.
class Together {
 public:
  // Full names are `prefix`, if there is one, a dot and a key; `otherwise` is the place of keys at their
  // default.
  Together(std::string prefix, const config::Origins& origins, const config::Place& otherwise,
           config::Complaints& complaints)
      : prefix_(std::move(prefix)), origins_(origins), otherwise_(otherwise), complaints_(complaints) {}

  std::string place(std::string_view key) const {
    return config::place_of(origins_, full_name(key), otherwise_).text;
  }
  template <class Check>
  void check(std::initializer_list<std::string_view> keys, const Check& check) const {
    if (std::ranges::none_of(keys, [&](std::string_view key) { return complaints_.doubts(full_name(key)); }))
      complaints_.collect(check);
  }

 private:
  std::string full_name(std::string_view key) const {
    return prefix_.empty() ? std::string(key) : fmt::format("{}.{}", prefix_, key);
  }

  std::string prefix_;
  const config::Origins& origins_;
  const config::Place& otherwise_;
  config::Complaints& complaints_;
};

void check_layer(const config::Layer& layer, const std::string& prefix, const Together& together) {
  together.check({"kind", "out", "groups"}, [&] {
    if (layer.kind == config::LayerKind::conv2d && layer.out % layer.groups != 0)
      base::raise<base::ConfigError>("{}: {}.groups = {} does not divide out = {}; allowed: a divisor of it",
                                     together.place("groups"), prefix, layer.groups, layer.out);
  });
  together.check({"kind", "padding", "kernel"}, [&] {
    if (is_pooling(layer.kind) && layer.padding >= layer.kernel)
      base::raise<base::ConfigError>("{}: {}.padding is {}; allowed: less than kernel = {}",
                                     together.place("padding"), prefix, layer.padding, layer.kernel);
  });
  together.check({"kind", "size"}, [&] {
    if (layer.kind == config::LayerKind::lrn && layer.size % 2 == 0)
      base::raise<base::ConfigError>("{}: {}.size is {}; allowed: an odd number", together.place("size"),
                                     prefix, layer.size);
  });
}

config::Layer make_layer(const config::GivenSection& given, const std::string& prefix,
                         config::Origins& origins, config::Complaints& complaints) {
  config::Layer layer;
  layer.place = given.place;
  config::fill(layer_section(), prefix, given, layer, origins, complaints);
  if (layer.stride == 0) layer.stride = is_pooling(layer.kind) ? layer.kernel : 1;
  check_layer(layer, prefix, Together(prefix, origins, layer.place, complaints));
  return layer;
}

// Partial sums, encoded again and again, would differ between ranks.
bool needs_fp32(config::Algorithm algorithm) {
  const auto* generator = comm::schedules::find_generator(config::to_string(algorithm));
  return algorithm == config::Algorithm::mpi || (generator != nullptr && generator->exact_only);
}

void check_optimizer(const config::JobConfig& config, const Together& together) {
  together.check({"optimizer.kind", "optimizer.nesterov", "optimizer.momentum"}, [&] {
    if (config.optimizer.nesterov && config.optimizer.momentum == 0)
      base::raise<base::ConfigError>(
          "{}: optimizer.nesterov has no effect with optimizer.momentum = 0.0; allowed "
          "with momentum above 0",
          together.place("optimizer.nesterov"));
  });
}

void check_batch(const config::JobConfig& config, const Together& together) {
  together.check({"job.micro_batch", "job.global_batch"}, [&] {
    if (config.job.micro_batch > config.job.global_batch)
      base::raise<base::ConfigError>("{}: job.micro_batch is {}; allowed: at most job.global_batch = {}",
                                     together.place("job.micro_batch"), config.job.micro_batch,
                                     config.job.global_batch);
  });
}

void check_exchange(const config::Exchange& exchange, const Together& together) {
  together.check({"exchange.algorithm", "exchange.codec"}, [&] {
    if (needs_fp32(exchange.algorithm) && exchange.codec != config::Codec::fp32)
      base::raise<base::ConfigError>(
          "{}: exchange.algorithm = \"{}\" cannot go with exchange.codec = \"{}\"; allowed with codec = "
          "\"{}\"",
          together.place("exchange.algorithm"), config::to_string(exchange.algorithm),
          config::to_string(exchange.codec), config::to_string(config::Codec::fp32));
  });
}

void check_together(const config::JobConfig& config, const config::Origins& origins,
                    const config::Place& file, config::Complaints& complaints) {
  const Together together("", origins, file, complaints);
  const std::string_view layers = layer_section().name;
  if (config.model.layers.empty() && !complaints.doubts(kModelSection) && !complaints.doubts(layers))
    complaints.add_missing(file, layers, "one heading [[model.layer]] per layer");
  check_batch(config, together);
  check_optimizer(config, together);
  check_exchange(config.exchange, together);
}

}  // namespace

std::optional<std::int64_t> known_steps(const config::JobConfig& config) {
  std::int64_t samples = config.data.train;
  if (samples == 0 && config.data.kind == config::DataKind::digits) samples = config::kDefaultDigits;
  const std::int64_t per_epoch = (samples + config.job.global_batch - 1) / config.job.global_batch;
  const std::int64_t of_epochs = config.job.epochs * per_epoch;
  if (samples == 0) return config.job.steps > 0 ? std::optional(config.job.steps) : std::nullopt;
  return config.job.steps > 0 ? std::min(config.job.steps, of_epochs) : of_epochs;
}

void check_warmup(const config::Schedule& schedule, std::int64_t job_steps) {
  if (schedule.warmup_steps > job_steps)
    base::raise<base::ConfigError>(
        "{}: schedule.warmup_steps is {}; allowed: at most the {} steps that the job has",
        schedule.place.text, schedule.warmup_steps, job_steps);
}

ParsedJob parse_job(std::string_view toml_text, std::string_view source_name,
                    std::span<const std::string> overrides) {
  config::Complaints complaints(source_name);
  config::Tables document = read_document(toml_text, source_name, complaints);
  for (const std::string_view assignment : overrides)
    complaints.collect_for(assignment.substr(0, assignment.find('=')),
                           [&] { add_override(document, assignment); });
  config::reject_unknown_keys(document, job_layout(), complaints);

  ParsedJob job;
  for (const auto& section : job_sections())
    config::fill(section, section.name, document.sections.find(section.name)->second, job.config, job.origins,
                 complaints);
  const std::vector<config::GivenSection>& layers = document.lists.find(layer_section().name)->second;
  for (std::size_t i = 0; i < layers.size(); ++i)
    job.config.model.layers.push_back(
        make_layer(layers[i], fmt::format("{}[{}]", layer_section().name, i), job.origins, complaints));
  job.config.schedule.place = config::place_of(job.origins, "schedule.warmup_steps", document.place);
  check_together(job.config, job.origins, document.place, complaints);
  complaints.raise();
  return job;
}

}  // namespace eightfold::runtime::job
