#pragma once

// The keys of [exchange], a part of the table in runtime/job/keys.cpp.

#include "runtime/config/job.hpp"
#include "runtime/config/key.hpp"

#include <string_view>
#include <vector>

namespace eightfold::runtime::job {

config::Section<config::JobConfig> exchange_section();

// The allowed values of exchange.codec and exchange.algorithm.
const std::vector<std::string_view>& codec_names();
const std::vector<std::string_view>& algorithm_names();
// True if the algorithm adds encoded values up again and again, which would differ between ranks.
bool needs_fp32(std::string_view algorithm);

}  // namespace eightfold::runtime::job
