#pragma once

#include <string>

namespace eightfold::runtime::telemetry {

// "0.1.0".
std::string version();
// The facts of this build: commit, compiler, libraries; one fact per line, "name value".
std::string build_facts();

}  // namespace eightfold::runtime::telemetry
