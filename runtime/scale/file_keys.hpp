#pragma once

// The tables of every key that a fabric file and a workload file may contain: name, unit, range, help. One
// file may hold a fabric and a workload: each reader knows the keys of both and uses its own.

#include "comm/simulator/fabric.hpp"
#include "runtime/config/key.hpp"
#include "runtime/config/tables.hpp"
#include "runtime/scale/workload.hpp"

#include <vector>

namespace eightfold::runtime::scale {

const std::vector<config::Section<comm::simulator::Fabric>>& fabric_sections();
const std::vector<config::Section<Workload>>& workload_sections();
// [[codec]] and [[layer]].
const config::Section<CodecCost>& codec_section();
const config::Section<LayerTimes>& layer_section();

// All of them.
const config::Layout& file_layout();

// The keys that are not at their default, under their heading; nothing if there is none.
template <class Owner>
std::string section_text(const config::Section<Owner>& section, std::string_view heading,
                         const Owner& owner) {
  std::string lines;
  for (const config::Key<Owner>& key : section.keys) {
    const config::Value value = key.get(owner);
    if (key.required || value != key.get(Owner()))
      lines += std::string(key.name) + " = " + config::toml_text(value) + '\n';
  }
  return lines.empty() ? lines : std::string(heading) + '\n' + lines + '\n';
}

}  // namespace eightfold::runtime::scale
