#pragma once

// Fabrics as files: configs/fabrics/, and the fabric part of a profile. docs/scaling.md lists the keys.

#include "comm/simulator/fabric.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace eightfold::runtime::scale {

// Strict: throws ConfigError "file:line:column: what is wrong; what is allowed".
comm::simulator::Fabric read_fabric(const std::filesystem::path& file);
// `source` is what places begin with.
comm::simulator::Fabric parse_fabric(std::string_view toml_text, std::string_view source);

// The text from which parse_fabric reads the same fabric.
std::string fabric_text(const comm::simulator::Fabric& fabric);

}  // namespace eightfold::runtime::scale
