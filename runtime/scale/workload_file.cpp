#include "runtime/scale/workload_file.hpp"

#include "runtime/config/fill.hpp"
#include "runtime/scale/file_keys.hpp"

#include <algorithm>

namespace eightfold::runtime::scale {
namespace {

using config::ErrorList;
using config::GivenSection;
using config::Origins;
using config::Section;
using config::Tables;

template <class Item>
std::vector<Item> items(const Section<Item>& section, const Tables& tables, ErrorList& errors) {
  std::vector<Item> result;
  Origins origins;
  for (const GivenSection& given : tables.lists.find(section.name)->second) {
    const std::string prefix = fmt::format("{}[{}]", section.name, result.size());
    fill(section, prefix, given, result.emplace_back(), origins, errors);
  }
  return result;
}

void check_layers(const std::vector<LayerTimes>& layers, std::string_view source) {
  if (layers.empty())
    base::raise<base::ConfigError>("{}: layer is missing; allowed: one heading [[layer]] per layer", source);
  if (layers.size() > kMostLayers)
    base::raise<base::ConfigError>("{}: {} layers are too many; allowed: {}", source, layers.size(),
                                   kMostLayers);
  if (std::ranges::all_of(layers, [](const LayerTimes& layer) { return layer.parameters == 0; }))
    base::raise<base::ConfigError>("{}: no layer has parameters; allowed: layers with at least 1 in all",
                                   source);
}

void check_codecs(const std::vector<CodecCost>& codecs, const Tables& tables) {
  for (auto codec = codecs.begin(); codec != codecs.end(); ++codec) {
    const auto index = static_cast<std::size_t>(codec - codecs.begin());
    const auto first = std::ranges::find(codecs, codec->format, &CodecCost::format);
    if (first == codec) continue;
    const GivenSection& given = tables.lists.find(codec_section().name)->second[index];
    base::raise<base::ConfigError>(
        "{}: codec[{}].format is \"{}\", as is codec[{}].format; allowed: each once",
        given.keys.find("format")->second.place.text, index, to_string(codec->format),
        first - codecs.begin());
  }
}

}  // namespace

Workload read_workload(const std::filesystem::path& file) {
  return parse_workload(config::read_toml_file(file), file.string());
}

Workload parse_workload(std::string_view toml_text, std::string_view source) {
  ErrorList errors(source);
  const Tables tables = read_tables(toml_text, source, file_layout(), errors);
  reject_unknown_keys(tables, file_layout(), errors);
  if (!tables.has_heading("workload")) {
    errors.raise();
    base::raise<base::ConfigError>(
        "{}: no workload is described here; allowed: a file with a heading [workload] (docs/scaling.md)",
        source);
  }
  Workload workload;
  Origins origins;
  for (const auto& section : workload_sections())
    fill(section, section.name, tables.sections.find(section.name)->second, workload, origins, errors);
  workload.codecs = items(codec_section(), tables, errors);
  workload.layers = items(layer_section(), tables, errors);
  errors.raise();
  check_codecs(workload.codecs, tables);
  check_layers(workload.layers, source);
  return workload;
}

std::string workload_text(const Workload& workload) {
  std::string text;
  for (const auto& section : workload_sections())
    text += section_text(section, fmt::format("[{}]", section.name), workload);
  for (const CodecCost& codec : workload.codecs) text += section_text(codec_section(), "[[codec]]", codec);
  for (const LayerTimes& layer : workload.layers) text += section_text(layer_section(), "[[layer]]", layer);
  return text;
}

}  // namespace eightfold::runtime::scale
