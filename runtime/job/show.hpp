#pragma once

// A job in words again: complete, as TOML that parse_job reads back to the same job, and compared with
// another.

#include "runtime/job/parse.hpp"

#include <string>
#include <vector>

namespace eightfold::runtime::job {

// Every key that has an effect, with its value.
std::string resolved_toml(const config::JobConfig& config);
// The same, and behind every value where it comes from, as a comment.
std::string resolved_toml_with_origins(const ParsedJob& job);

// The differences of the jobs in keys that decide the numbers of training (the model, the optimizer, the
// order of samples ...). Each key has one line: "optimizer.momentum: checkpoint 0.9, job 0.8". Empty: one may
// continue a checkpoint of the other.
std::vector<std::string> differences(const config::JobConfig& checkpoint, const config::JobConfig& job);

}  // namespace eightfold::runtime::job
