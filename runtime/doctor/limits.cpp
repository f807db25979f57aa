#include "runtime/doctor/limits.hpp"

#include "kernels/base/parse.hpp"

#include <charconv>
#include <sstream>

namespace eightfold::runtime::doctor {
namespace {

// The rest of the first line of a file that begins with `start`.
std::optional<std::string> rest_of_line(const Root& root, const std::filesystem::path& path,
                                        std::string_view start) {
  std::istringstream text(root.read(path).value_or(""));
  for (std::string line; std::getline(text, line);)
    if (line.starts_with(start)) return line.substr(start.size());
  return std::nullopt;
}

}  // namespace

std::optional<Limit> limit_of(const Root& root, std::string_view name) {
  const auto rest = rest_of_line(root, "/proc/self/limits", name);
  std::string soft;
  if (!rest || !(std::istringstream(*rest) >> soft)) return std::nullopt;
  if (soft == "unlimited") return Limit{};
  const auto bytes = base::parse_integer(soft);
  if (!bytes || *bytes < 0) return std::nullopt;
  return Limit{static_cast<std::uint64_t>(*bytes)};
}

std::optional<std::string> status_line(const Root& root, std::string_view name) {
  const auto rest = rest_of_line(root, "/proc/self/status", std::string(name) + ":");
  std::string value;
  if (!rest || !(std::istringstream(*rest) >> value)) return std::nullopt;
  return value;
}

std::optional<std::size_t> count_of_list(std::string_view list) {
  std::size_t count = 0;
  std::istringstream text{std::string(list)};
  for (std::string part; std::getline(text, part, ',');) {
    const auto dash = part.find('-');
    const auto first = base::parse_integer(part.substr(0, dash));
    const auto last = dash == std::string::npos ? first : base::parse_integer(part.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    count += static_cast<std::size_t>(*last - *first + 1);
  }
  return count;
}

std::optional<bool> has_capability(const Root& root, Capability capability) {
  const auto mask = status_line(root, "CapEff");
  if (!mask) return std::nullopt;
  std::uint64_t bits = 0;
  const auto end = mask->data() + mask->size();
  if (std::from_chars(mask->data(), end, bits, 16).ptr != end) return std::nullopt;
  return (bits >> static_cast<int>(capability) & 1) != 0;
}

}  // namespace eightfold::runtime::doctor
