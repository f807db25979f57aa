#pragma once

// How a file is told off: the place, what is wrong, what is allowed, and what was perhaps meant.

#include "runtime/config/tables.hpp"

#include <string>
#include <string_view>

namespace eightfold::runtime::config {

// `written` is how the message repeats the value. `word` is the value's text, if it has one, to find the
// choice that is like it.
[[noreturn]] void reject_value(const Place& place, std::string_view full_name, const KeyFacts& key,
                               std::string_view written, std::string_view word);

// `section` is the name in the table, `full_name` what the user addressed: "model.layer[2].rat".
[[noreturn]] void reject_key(const Place& place, const Layout& layout, std::string_view section,
                             std::string_view name, std::string_view full_name);

[[noreturn]] void reject_section(const Place& place, const Layout& layout, std::string_view name);

}  // namespace eightfold::runtime::config
