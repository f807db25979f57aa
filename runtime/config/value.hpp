#pragma once

// A value as a config file holds it, before or after it has become a field of a JobConfig.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace eightfold::runtime::config {

// Names of enumerations, byte sizes and durations are strings here, as in the file.
using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>>;

// The value in TOML, on one line; reading it back gives the same value, doubles included.
std::string toml_text(const Value& value);
// A text as a TOML string, with quotes and escapes.
std::string quoted(std::string_view text);

// The number with the fewest digits that, divided by `divisor`, is `quotient`; or the nearest to it.
double number_that_becomes(double quotient, std::int64_t divisor);

// The text with a question mark for every control character: it stays on its line, whatever it quotes.
std::string on_one_line(std::string text);

// A name from a file as messages show it: bare where TOML allows it, else quoted, cut when it is very long.
std::string shown_name(std::string_view name);
// The same for a value: a long one is described instead of repeated.
std::string shown(const Value& value);

}  // namespace eightfold::runtime::config
