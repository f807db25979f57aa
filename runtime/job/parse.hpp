#pragma once

// From a job file to a job. Strict: a key that is unknown, of the wrong type, out of range, or without effect
// on this job is an error. Errors read "place: what is wrong; what is allowed", the place being
// "file:line:column" or "--set section.key=value".

#include "runtime/config/job.hpp"
#include "runtime/config/place.hpp"
#include "runtime/config/tables.hpp"

#include <span>
#include <string>
#include <string_view>

namespace eightfold::runtime::job {

struct ParsedJob {
  config::JobConfig config;
  config::Origins origins;
};

// `source_name` is what places begin with. Overrides are "section.key=value", the later one wins. Throws
// ConfigErrors (errors.hpp), all there are; a ConfigError for what is no TOML.
ParsedJob parse_job(std::string_view toml_text, std::string_view source_name,
                    std::span<const std::string> overrides = {},
                    config::FormerNames former = config::FormerNames::refused);

// The most steps that a job can take, as far as they are known before its data are opened; nothing if they
// are not bounded.
std::optional<std::int64_t> known_steps(const config::JobConfig& config);
// Throws ConfigError if the learning rate would still rise when a job of so many steps ends. Only training
// calls this. A checkpoint, or a job whose step is timed, can be read all the same.
void check_warmup(const config::Schedule& schedule, std::int64_t job_steps);

}  // namespace eightfold::runtime::job
