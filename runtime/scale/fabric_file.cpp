#include "runtime/scale/fabric_file.hpp"

#include "runtime/config/fill.hpp"
#include "runtime/scale/file_keys.hpp"

#include <utility>

namespace eightfold::runtime::scale {
namespace {

using comm::simulator::Fabric;
using config::Origins;
using config::Place;

// A rate that may be 0 but not nearly 0.
void check_rate(std::string_view key, double rate, const Origins& origins, const Place& file) {
  if (rate > 0 && rate < 1)
    base::raise<base::ConfigError>("{}: {} is {}; allowed: 0, or at least 1",
                                   place_of(origins, key, file).text, key, rate);
}

void check_together(const Fabric& fabric, const Origins& origins, const Place& file) {
  check_rate("node.slot_bytes_per_s", fabric.slot_bytes_per_s, origins, file);
  check_rate("node.neighbour_bytes_per_s", fabric.neighbour_bytes_per_s, origins, file);
  if (fabric.nodes_per_switch == 0 && fabric.oversubscription != 1)
    base::raise<base::ConfigError>(
        "{}: network.oversubscription has no effect with network.nodes_per_switch = 0; allowed with at "
        "least 1",
        place_of(origins, "network.oversubscription", file).text);
  if (fabric.nodes_per_machine > 0 && fabric.cores == 0)
    base::raise<base::ConfigError>("{}: machine.nodes has no effect without machine.cores",
                                   place_of(origins, "machine.nodes", file).text);
}

}  // namespace

Fabric read_fabric(const std::filesystem::path& file) {
  return parse_fabric(config::read_toml_file(file), file.string());
}

Fabric parse_fabric(std::string_view toml_text, std::string_view source) {
  config::ErrorList errors(source);
  const config::Tables tables = read_tables(toml_text, source, file_layout(), errors);
  reject_unknown_keys(tables, file_layout(), errors);
  if (!tables.has_heading("fabric")) {
    errors.raise();
    base::raise<base::ConfigError>(
        "{}: no fabric is described here; allowed: a file with a heading [fabric] (docs/scaling.md)", source);
  }
  Fabric fabric;
  Origins origins;
  for (const auto& section : fabric_sections())
    fill(section, section.name, tables.sections.find(section.name)->second, fabric, origins, errors);
  errors.raise();
  check_together(fabric, origins, tables.place);
  return fabric;
}

std::string fabric_text(const Fabric& fabric) {
  std::string text;
  for (const auto& section : fabric_sections())
    text += section_text(section, fmt::format("[{}]", section.name), fabric);
  return text;
}

}  // namespace eightfold::runtime::scale
