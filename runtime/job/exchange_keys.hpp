#pragma once

// The keys of [exchange], a part of the table in runtime/job/keys.cpp.

#include "runtime/config/job.hpp"
#include "runtime/config/key.hpp"

namespace eightfold::runtime::job {

config::Section<config::JobConfig> exchange_section();

}  // namespace eightfold::runtime::job
