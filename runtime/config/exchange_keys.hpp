#pragma once

// The keys of [exchange], a part of the table in runtime/config/keys.cpp.

#include "runtime/config/job.hpp"
#include "runtime/config/key.hpp"

namespace eightfold::runtime::config {

Section<JobConfig> exchange_section();

}  // namespace eightfold::runtime::config
