#pragma once

// The table of every key that a job file may contain: name, type, unit, default, range, help. The order is
// that of the docs page. Defaults are not repeated here: they are the initial values of the fields in
// job.hpp.

#include "runtime/config/job.hpp"
#include "runtime/config/key.hpp"
#include "runtime/config/kind.hpp"
#include "runtime/config/tables.hpp"

#include <string_view>
#include <vector>

namespace eightfold::runtime::job {

inline constexpr std::string_view kModelSection = "model";  // it has one key, the list of layers
inline constexpr std::string_view kLayerList = "layer";

// [job], [data] ... : everything but the model.
const std::vector<config::Section<config::JobConfig>>& job_sections();
// [[model.layer]]: the keys of all kinds of layers, each with the kinds that use it.
const config::Section<config::Layer>& layer_section();
// The allowed values of `kind` in them.
config::Kinds layer_kinds();
config::Kinds data_kinds();
config::Kinds optimizer_kinds();
// All of them, as the reader of a file asks for them.
const config::Layout& job_layout();

}  // namespace eightfold::runtime::job
