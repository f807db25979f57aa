#pragma once

// Workloads as files: configs/workloads/, and profiles. docs/scaling.md lists the keys.

#include "runtime/scale/workload.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace eightfold::runtime::scale {

inline constexpr std::size_t kMostLayers = 10'000;

// Strict: throws ConfigError "file:line:column: what is wrong; what is allowed".
Workload read_workload(const std::filesystem::path& file);
// `source` is what places begin with.
Workload parse_workload(std::string_view toml_text, std::string_view source);

// The text from which parse_workload reads the same workload.
std::string workload_text(const Workload& workload);

}  // namespace eightfold::runtime::scale
