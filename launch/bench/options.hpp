#pragma once

// What the options say that several benches share. Errors are ConfigErrors that name the option and what it
// allows.

#include "quant8/format.hpp"

#include <cstddef>
#include <string>

namespace eightfold::launch::bench {

// `option` is how the bench calls it: --formats or --codec.
quant8::Format parse_format_option(const std::string& option, const std::string& name);

// How many fp32 values --sizes means: a text such as 4KiB or 256MiB, at least one value, up to 16 GiB.
std::size_t parse_elements_option(const std::string& text);

}  // namespace eightfold::launch::bench
