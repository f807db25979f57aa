#pragma once

// A TOML file is not trusted. The TOML parser calls itself for every level of nesting, also when it frees its
// result. So the depth is checked before the parser sees the text.

#include <cstddef>
#include <string_view>

namespace eightfold::runtime::config {

inline constexpr std::size_t kLargestFile = 1 << 20;  // bytes
inline constexpr int kDeepestNesting = 16;            // of brackets, and of the parts of a dotted key

// Throws ConfigError, with the place, when the text is larger or nests deeper. Says nothing about its
// validity.
void check_limits(std::string_view text, std::string_view source);

}  // namespace eightfold::runtime::config
