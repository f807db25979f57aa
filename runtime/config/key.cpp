#include "runtime/config/key.hpp"

#include "kernels/base/parse.hpp"
#include "kernels/base/path.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cmath>

namespace eightfold::runtime::config {
namespace {

constexpr std::size_t kLongestName = 100;  // leaves room in the 255 bytes of a file name

bool within(const Range& range, double number) {
  const bool low_ok = range.above_low ? number > range.low : number >= range.low;
  const bool high_ok = range.below_high ? number < range.high : number <= range.high;
  // A range without a bound has an infinite one, which an infinity would satisfy.
  return std::isfinite(number) && low_ok && high_ok;
}

bool ascends_within(const Range& range, const std::vector<std::int64_t>& list) {
  const bool each =
      std::ranges::all_of(list, [&](auto number) { return within(range, static_cast<double>(number)); });
  return !list.empty() && each && std::ranges::adjacent_find(list, std::greater_equal<>()) == list.end();
}

bool is_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  // Names become names of directories.
  return !text.empty() && text.size() <= kLongestName && std::ranges::all_of(text, allowed) && text != "." &&
         text != "..";
}

bool follows(TextRule rule, std::string_view text) {
  if (rule == TextRule::name) return is_name(text);
  const bool printable = std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  return printable && (rule == TextRule::any || !text.empty());
}

std::string number_text(Type type, double number) {
  if (type == Type::bytes) return base::format_bytes(static_cast<std::uint64_t>(number));
  if (type == Type::duration)
    return base::format_duration(std::chrono::nanoseconds(std::llround(number * 1e9)));
  if (type == Type::real) return fmt::format("{}", number);
  return fmt::format("{}", static_cast<std::int64_t>(number));
}

// ", at least 1 and below 10"; empty for a range without bounds.
std::string range_text(Type type, const Range& range) {
  std::string text;
  if (std::isfinite(range.low))
    text += fmt::format(", {} {}", range.above_low ? "above" : "at least", number_text(type, range.low));
  if (std::isfinite(range.high))
    text += fmt::format("{} {} {}", text.empty() ? "," : " and", range.below_high ? "below" : "at most",
                        number_text(type, range.high));
  return text;
}

std::string text_rule(TextRule rule) {
  switch (rule) {
    case TextRule::any:
      return "a string without control characters";
    case TextRule::filled:
      return "a string without control characters, not empty";
    case TextRule::name:
      break;
  }
  return fmt::format("a name of at most {} letters, digits, '.', '_' and '-', not \".\" or \"..\"",
                     kLongestName);
}

}  // namespace

bool KeyFacts::accepts(const Value& value) const {
  const auto* number = std::get_if<std::int64_t>(&value);
  const auto* real = std::get_if<double>(&value);
  const auto* string = std::get_if<std::string>(&value);
  const auto* list = std::get_if<std::vector<std::int64_t>>(&value);
  switch (type) {
    case Type::boolean:
      return std::holds_alternative<bool>(value);
    case Type::integer:
      return number != nullptr && within(range, static_cast<double>(*number));
    case Type::real:
      return (real != nullptr && within(range, *real)) ||
             (number != nullptr && within(range, static_cast<double>(*number)));
    case Type::text:
      return string != nullptr && follows(text, *string);
    case Type::path:
      return string != nullptr && follows(text, *string) && objection(value).empty();
    case Type::choice:
      return string != nullptr && std::ranges::find(choices, *string) != choices.end();
    case Type::bytes: {
      const auto bytes = string != nullptr ? base::parse_bytes(*string) : std::nullopt;
      return bytes && within(range, static_cast<double>(*bytes));
    }
    case Type::duration: {
      const auto time = string != nullptr ? base::parse_duration(*string) : std::nullopt;
      return time && within(range, std::chrono::duration<double>(*time).count());
    }
    case Type::integers:
      return list != nullptr && ascends_within(range, *list);
  }
  return false;
}

std::string KeyFacts::objection(const Value& value) const {
  const auto* string = std::get_if<std::string>(&value);
  if (type != Type::path || string == nullptr || !follows(text, *string)) return {};
  const base::ExpandedPath expanded = base::expand_path(*string);
  if (!expanded.problem.empty()) return expanded.problem;
  const bool is_text = base::is_utf8(expanded.path) && follows(TextRule::any, expanded.path);
  return is_text ? "" : "a variable in it is no text of UTF-8";
}

std::string KeyFacts::allowed() const {
  switch (type) {
    case Type::boolean:
      return "true or false";
    case Type::integer:
      return "an integer" + range_text(type, range);
    case Type::real:
      return "a number" + range_text(type, range);
    case Type::text:
      return text_rule(text);
    case Type::path:
      return text == TextRule::filled ? "a path without control characters, not empty"
                                      : "a path without control characters";
    case Type::choice:
      return fmt::format("\"{}\"", fmt::join(choices, "\", \""));
    case Type::bytes:
      return "a size such as \"64MiB\"" + range_text(type, range);
    case Type::duration:
      return "a duration such as \"10s\"" + range_text(type, range);
    case Type::integers:
      return fmt::format("a list of ascending integers{}", range_text(type, range));
  }
  return {};
}

}  // namespace eightfold::runtime::config
