#pragma once

// Options that several benches share. Errors are ConfigErrors that name the option and what it allows.

#include "launch/command/command_line.hpp"
#include "quant8/format.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace eightfold::launch::bench {

// Adds --repeats; `repeats` has its default.
void add_repeats_option(const command::Command& command, int& repeats);

// `option` is the name that the bench gives it: --formats or --codec.
quant8::Format parse_format_option(const std::string& option, const std::string& name);

// The number of fp32 values in a size of --sizes, such as 4KiB or 256MiB: at least one value, up to 16 GiB.
std::size_t parse_elements_option(const std::string& text);

}  // namespace eightfold::launch::bench
