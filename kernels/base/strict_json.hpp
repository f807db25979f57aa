#pragma once

// JSON as a stranger may have written it.

#include "kernels/base/error.hpp"

#include <nlohmann/json.hpp>

#include <concepts>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace eightfold::base {

// Parses a whole text. Throws DataError that begins with `file` when it is not JSON, nests deeper than any
// file of ours, or has a name twice in an object, which a plain parser would resolve silently.
nlohmann::json parse_strict(const std::string& file, const std::string& text);

// An integer of a stranger's JSON, at least `least`; the library's own conversion would round fractions and
// wrap what does not fit. Throws DataError that begins with `where`, the file and the number's name.
template <std::integral Value>
Value json_integer(const nlohmann::json& json, std::string_view where,
                   Value least = std::numeric_limits<Value>::min()) {
  const auto in_range = [&](auto number) {
    return std::in_range<Value>(number) && std::cmp_greater_equal(number, least);
  };
  const bool fits = json.is_number_unsigned()  ? in_range(json.get<std::uint64_t>())
                    : json.is_number_integer() ? in_range(json.get<std::int64_t>())
                                               : false;
  if (!fits)
    raise<DataError>("{} is {}, an integer from {} to {} is needed", where, json.dump(), least,
                     std::numeric_limits<Value>::max());
  return json.get<Value>();
}

}  // namespace eightfold::base
