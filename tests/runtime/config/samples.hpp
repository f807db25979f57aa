#pragma once

// Jobs for the tests of the config, and what is said about them.

#include "runtime/config/errors.hpp"
#include "runtime/job/parse.hpp"

#include <string>
#include <vector>

namespace eightfold::runtime::config {

// The smallest job: what is required and nothing else. Ends in line 5, inside the only layer.
inline const std::string kSmallest = R"([job]
name = "x"
[[model.layer]]
kind = "linear"
out = 10
)";

inline job::ParsedJob parse_with(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return job::parse_job(text, "job.toml", overrides);
}

inline job::ParsedJob override_smallest(const std::vector<std::string>& overrides) {
  return parse_with(kSmallest, overrides);
}

using Lines = std::vector<std::string>;

// All that `config check` says.
inline Lines errors(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    parse_with(text, overrides);
  } catch (const ConfigErrors& errors) {
    return errors.lines();
  } catch (const base::ConfigError& error) {
    return {error.what()};
  }
  return {};
}

// The first of it; "accepted" if there is nothing to say.
inline std::string complaint(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const Lines lines = errors(text, overrides);
  return lines.empty() ? "accepted" : lines.front();
}

// The same for one more line in a section of the smallest job; it is line 7, after a heading in line 6.
inline std::string complaint_in(const std::string& section, const std::string& line) {
  return complaint(kSmallest + "[" + section + "]\n" + line + "\n");
}

inline std::string complaint_about(const std::string& assignment) {
  return complaint(kSmallest, {assignment});
}

inline bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace eightfold::runtime::config
