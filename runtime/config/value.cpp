#include "runtime/config/value.hpp"

#include "kernels/base/parse.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace eightfold::runtime::config {
namespace {

// What a message repeats of a user's text at most.
constexpr std::size_t kShownLength = 80;

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;  // clang 16 deduces no aggregates

// The shortest digits that read back exactly, always recognisable as a real number.
std::string real_text(double value) {
  std::string text = fmt::format("{}", value);
  const bool whole = text.find_first_of(".en") == std::string::npos;  // n: "inf" and "nan"
  return whole ? text + ".0" : text;
}

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += {'\\', c};
    } else if (code < 0x20 || code == 0x7f) {
      result += fmt::format("\\u{:04X}", code);
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::string toml_text(const Value& value) {
  return std::visit(Overloaded{[](bool flag) { return std::string(flag ? "true" : "false"); },
                               [](std::int64_t number) { return fmt::format("{}", number); },
                               [](double number) { return real_text(number); },
                               [](const std::string& text) { return config::quoted(text); },
                               [](const std::vector<std::int64_t>& list) {
                                 return fmt::format("[{}]", fmt::join(list, ", "));
                               }},
                    value);
}

double number_that_becomes(double quotient, std::int64_t divisor) {
  const auto by = static_cast<double>(divisor);
  const double number = quotient * by;
  // 17 digits tell every double from its neighbours.
  for (int digits = 1; digits <= 17; ++digits) {
    const auto shorter = base::parse_real(fmt::format("{:.{}g}", number, digits));
    if (shorter && *shorter / by == quotient) return *shorter;
  }
  return number;
}

// An error is one line, and a text from a file must not hold what a terminal obeys.
std::string on_one_line(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

std::string shown_name(std::string_view name) {
  if (name.size() > kShownLength) return fmt::format("of {} characters", name.size());
  if (!name.empty() && std::all_of(name.begin(), name.end(), is_bare)) return std::string(name);
  return quoted(name);
}

std::string shown(const Value& value) {
  std::string text = toml_text(value);
  return text.size() <= kShownLength ? text : fmt::format("a value of {} characters", text.size());
}

}  // namespace eightfold::runtime::config
