#pragma once

// Numbers with their nouns, for messages.

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace eightfold::base {

// "1 rank", "2 ranks": for nouns whose plural ends in an s.
template <class Number>
std::string counted(Number number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == Number{1} ? "" : "s");
}

}  // namespace eightfold::base
