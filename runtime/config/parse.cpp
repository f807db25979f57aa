#include "runtime/config/parse.hpp"

#include "comm/schedules/generators.hpp"
#include "kernels/base/error.hpp"
#include "runtime/config/document.hpp"
#include "runtime/config/fill.hpp"
#include "runtime/config/keys.hpp"
#include "runtime/config/names.hpp"

#include <fmt/ranges.h>

namespace eightfold::runtime::config {
namespace {

bool is_pooling(LayerKind kind) {
  return kind == LayerKind::max_pool || kind == LayerKind::average_pool;
}

void check_layer(const Layer& layer, const Origins& origins, const std::string& prefix) {
  const auto place = [&](std::string_view key) {
    return place_of(origins, fmt::format("{}.{}", prefix, key), layer.place).text;
  };
  if (layer.kind == LayerKind::conv2d && layer.out % layer.groups != 0)
    base::raise<base::ConfigError>("{}: {}.groups = {} does not divide out = {}; allowed: a divisor of it",
                                   place("groups"), prefix, layer.groups, layer.out);
  if (is_pooling(layer.kind) && layer.padding >= layer.kernel)
    base::raise<base::ConfigError>("{}: {}.padding is {}; allowed: less than kernel = {}", place("padding"),
                                   prefix, layer.padding, layer.kernel);
  if (layer.kind == LayerKind::lrn && layer.size % 2 == 0)
    base::raise<base::ConfigError>("{}: {}.size is {}; allowed: an odd number", place("size"), prefix,
                                   layer.size);
}

Layer make_layer(const GivenSection& given, std::size_t index, Origins& origins) {
  const std::string prefix = fmt::format("{}[{}]", layer_section().name, index);
  Layer layer;
  layer.place = given.place;
  fill(layer_section(), prefix, given, layer, origins);
  if (layer.stride == 0) layer.stride = is_pooling(layer.kind) ? layer.kernel : 1;
  check_layer(layer, origins, prefix);
  return layer;
}

// Partial sums, encoded again and again, would differ between ranks.
bool needs_fp32(Algorithm algorithm) {
  const auto* generator = comm::schedules::find_generator(to_string(algorithm));
  return algorithm == Algorithm::mpi || (generator != nullptr && generator->exact_only);
}

void check_together(const JobConfig& config, const Origins& origins, const Place& file) {
  const auto place = [&](std::string_view key) { return place_of(origins, key, file).text; };
  if (config.model.layers.empty())
    base::raise<base::ConfigError>(
        "{}: model.layer is missing; allowed: one heading [[model.layer]] per layer", file.text);
  if (config.optimizer.nesterov && config.optimizer.momentum == 0)
    base::raise<base::ConfigError>(
        "{}: optimizer.nesterov has no effect with optimizer.momentum = 0.0; allowed "
        "with momentum above 0",
        place("optimizer.nesterov"));
  if (config.job.micro_batch > config.job.global_batch)
    base::raise<base::ConfigError>("{}: job.micro_batch is {}; allowed: at most job.global_batch = {}",
                                   place("job.micro_batch"), config.job.micro_batch, config.job.global_batch);
  if (needs_fp32(config.exchange.algorithm) && config.exchange.codec != Codec::fp32)
    base::raise<base::ConfigError>(
        "{}: exchange.algorithm = \"{}\" cannot go with exchange.codec = \"{}\"; allowed with codec = "
        "\"{}\"",
        place("exchange.algorithm"), to_string(config.exchange.algorithm), to_string(config.exchange.codec),
        to_string(Codec::fp32));
}

}  // namespace

ParsedJob parse_job(std::string_view toml_text, std::string_view source_name,
                    std::span<const std::string> overrides) {
  Tables document = read_document(toml_text, source_name);
  for (const std::string& assignment : overrides) add_override(document, assignment);

  ParsedJob job;
  for (const auto& section : job_sections())
    fill(section, section.name, document.sections.find(section.name)->second, job.config, job.origins);
  const std::vector<GivenSection>& layers = document.lists.find(layer_section().name)->second;
  for (std::size_t i = 0; i < layers.size(); ++i)
    job.config.model.layers.push_back(make_layer(layers[i], i, job.origins));
  check_together(job.config, job.origins, document.place);
  return job;
}

}  // namespace eightfold::runtime::config
