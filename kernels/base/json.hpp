#pragma once

// JSON to text and back. The library's parser and writer are templates, which take as long to compile as a
// small source: they are compiled here, once for all.

#include <nlohmann/json_fwd.hpp>

#include <concepts>
#include <limits>
#include <string>
#include <string_view>

namespace eightfold::base {

// Names of files and hosts, arguments and other programs' output may be any bytes. Bytes that are not UTF-8
// become U+FFFD, for JSON cannot hold them.

// In one line.
std::string json_text(const nlohmann::json& json);
std::string json_text(const nlohmann::ordered_json& json);

// For a file that people read: indented, with an end of line.
std::string json_page(const nlohmann::json& json);
std::string json_page(const nlohmann::ordered_json& json);

// Our own text. Throws the library's exceptions.
nlohmann::json parse_json(const std::string& text);
nlohmann::ordered_json parse_ordered_json(const std::string& text);

// A whole untrusted text. Throws DataError that begins with `file` if the text is not JSON, nests deeper than
// any own file, or repeats a name within an object. A plain parser would accept the last silently.
nlohmann::json parse_strict(const std::string& file, const std::string& text);

// An integer of untrusted JSON, at least `least`. The library's own conversion would round fractions and wrap
// values that do not fit. Throws DataError that begins with `where`, the file and the number's name. `Value`
// is int, std::int64_t or std::uint64_t.
template <std::integral Value>
Value json_integer(const nlohmann::json& json, std::string_view where,
                   Value least = std::numeric_limits<Value>::min());

}  // namespace eightfold::base
