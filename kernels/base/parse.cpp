#include "kernels/base/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace eightfold::base {
namespace {

struct ByteUnit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array kByteUnits = {
    ByteUnit{"TiB", 1ULL << 40}, ByteUnit{"GiB", 1ULL << 30},      ByteUnit{"MiB", 1ULL << 20},
    ByteUnit{"KiB", 1ULL << 10}, ByteUnit{"TB", 1000000000000ULL}, ByteUnit{"GB", 1000000000ULL},
    ByteUnit{"MB", 1000000ULL},  ByteUnit{"kB", 1000ULL},          ByteUnit{"B", 1ULL},
};

struct TimeUnit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr std::array kTimeUnits = {
    TimeUnit{"h", 3600000000000}, TimeUnit{"min", 60000000000}, TimeUnit{"s", 1000000000},
    TimeUnit{"ms", 1000000},      TimeUnit{"us", 1000},         TimeUnit{"ns", 1},
};

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::size_t unit_start(std::string_view text) {
  const std::size_t at = text.find_first_not_of("0123456789.");
  return at == std::string_view::npos ? text.size() : at;
}

// Levenshtein's distance, with one row of its table at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  const std::size_t split = unit_start(text);
  const auto count = parse_number<std::uint64_t>(text.substr(0, split));
  const std::string_view unit = split == text.size() ? "B" : text.substr(split);
  const auto* known =
      std::find_if(kByteUnits.begin(), kByteUnits.end(), [&](auto& u) { return u.name == unit; });
  if (!count || known == kByteUnits.end()) return std::nullopt;
  if (*count > std::numeric_limits<std::uint64_t>::max() / known->bytes) return std::nullopt;
  return *count * known->bytes;
}

// The largest unit that divides the number, so that reading the text gives it back.
std::string format_bytes(std::uint64_t bytes) {
  for (const ByteUnit& unit : kByteUnits) {
    const bool binary = unit.name.size() == 3 || unit.bytes == 1;
    if (binary && bytes >= unit.bytes && bytes % unit.bytes == 0)
      return fmt::format("{}{}", bytes / unit.bytes, unit.name);
  }
  return "0B";
}

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const std::size_t split = unit_start(text);
  const auto count = parse_number<double>(text.substr(0, split));
  const std::string_view unit = text.substr(split);
  const auto* known =
      std::find_if(kTimeUnits.begin(), kTimeUnits.end(), [&](auto& u) { return u.name == unit; });
  if (!count || known == kTimeUnits.end()) return std::nullopt;
  const double nanoseconds = *count * static_cast<double>(known->nanoseconds);
  // Just below 2^63, so that the rounded number fits.
  if (!(nanoseconds < 9.2e18)) return std::nullopt;
  return std::chrono::nanoseconds(std::llround(nanoseconds));
}

std::string format_duration(std::chrono::nanoseconds duration) {
  for (const TimeUnit& unit : kTimeUnits) {
    if (duration.count() >= unit.nanoseconds && duration.count() % unit.nanoseconds == 0)
      return fmt::format("{}{}", duration.count() / unit.nanoseconds, unit.name);
  }
  return "0s";
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  return parse_number<std::int64_t>(text);
}
std::optional<double> parse_real(std::string_view text) {
  return parse_number<double>(text);
}

// Table 3-7 of the Unicode standard: the second byte has bounds of its own where overlong forms, surrogates
// or numbers above U+10FFFF would begin.
bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  const auto next_is_in = [&](unsigned low, unsigned high) {
    if (i == text.size()) return false;
    const auto byte = static_cast<unsigned char>(text[i++]);
    return byte >= low && byte <= high;
  };
  const auto follow = [&](int count) {
    while (count-- > 0)
      if (!next_is_in(0x80, 0xBF)) return false;
    return true;
  };
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    if (lead < 0x80) continue;
    if (lead < 0xC2 || lead > 0xF4) return false;
    if (lead < 0xE0) {
      if (!follow(1)) return false;
    } else if (lead < 0xF0) {
      if (!next_is_in(lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF) || !follow(1)) return false;
    } else {
      if (!next_is_in(lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF) || !follow(2)) return false;
    }
  }
  return true;
}

std::string_view nearest_name(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  // Two slips, or a third of a longer word: beyond that a suggestion confuses more than it helps.
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace eightfold::base
