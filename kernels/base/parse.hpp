#pragma once

// Text that users write: sizes ("64MiB"), durations ("10s"), names close to a known one. Every parser takes
// the whole string or returns nothing; the caller knows the file and line and words the error.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace eightfold::base {

// A byte count: digits with an optional unit B, KiB, MiB, GiB, TiB (powers of 1024) or kB, MB, GB, TB (powers
// of 1000). Nothing on any other text, on a negative number, and when the value does not fit.
std::optional<std::uint64_t> parse_bytes(std::string_view text);
// The shortest exact spelling that parse_bytes reads back: 67108864 is "64MiB", 1000 is "1000B".
std::string format_bytes(std::uint64_t bytes);

// A duration: a decimal number and a unit ns, us, ms, s, min, h. "0s" is allowed, a bare number is not.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);
// The shortest exact spelling that parse_duration reads back.
std::string format_duration(std::chrono::nanoseconds duration);

// A decimal integer or floating-point number, nothing else before or after it.
std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<double> parse_real(std::string_view text);

// True if a text is UTF-8 (Unicode 15, table 3-7: no surrogates, no detours).
bool is_utf8(std::string_view text);

// The candidate nearest to `word` by edit distance, if it is near enough to be what was meant; else empty.
std::string_view nearest_name(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace eightfold::base
