#include "runtime/config/complaint.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/parse.hpp"

#include <fmt/ranges.h>

namespace eightfold::runtime::config {
namespace {

using Names = std::vector<std::string_view>;

// A longer word is not a slip of the finger, and comparing it takes time.
constexpr std::size_t kLongestSlip = 64;

std::string_view nearest(std::string_view word, std::span<const std::string_view> names) {
  return word.size() > kLongestSlip ? std::string_view() : base::nearest_name(word, names);
}

struct SectionNames {
  std::string_view section;
  Names keys;
};

// "model", which holds nothing but the list, for "model.layer"; else empty.
std::string_view parent_of(const TableFacts& table) {
  const std::size_t dot = table.name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : table.name.substr(0, dot);
}

std::vector<SectionNames> all_names(const Layout& layout) {
  std::vector<SectionNames> all;
  for (const TableFacts& table : layout) {
    const std::string_view parent = parent_of(table);
    if (!parent.empty()) all.push_back({parent, {table.name.substr(parent.size() + 1)}});
    all.push_back({table.name, {}});
    for (const KeyFacts* key : table.keys) all.back().keys.push_back(key->name);
  }
  return all;
}

// The full name of a key that is called exactly so, in whatever section; empty if there is none.
std::string namesake(const Layout& layout, std::string_view name) {
  for (const auto& [section, keys] : all_names(layout))
    if (std::ranges::find(keys, name) != keys.end()) return fmt::format("{}.{}", section, name);
  return {};
}

std::string did_you_mean(std::string_view name) {
  return name.empty() ? std::string() : fmt::format("; did you mean {}?", name);
}

}  // namespace

void reject_value(const Place& place, std::string_view full_name, const KeyFacts& key,
                  std::string_view written, std::string_view word) {
  const std::string_view choice = nearest(word, key.choices);
  base::raise<base::ConfigError>("{}: {} is {}; allowed: {}{}", place.text, full_name, written, key.allowed(),
                                 choice.empty() ? "" : did_you_mean(quoted(choice)));
}

void reject_key(const Place& place, const Layout& layout, std::string_view section, std::string_view name,
                std::string_view full_name) {
  Names keys;
  for (const SectionNames& names : all_names(layout))
    if (names.section == section) keys = names.keys;
  const std::string_view slip = nearest(name, keys);
  const std::string meant = slip.empty() ? namesake(layout, name) : fmt::format("{}.{}", section, slip);
  base::raise<base::ConfigError>("{}: unknown key {}; allowed in {}: {}{}", place.text, full_name, section,
                                 fmt::join(keys, ", "), did_you_mean(meant));
}

void reject_section(const Place& place, const Layout& layout, std::string_view name) {
  Names sections;
  for (const SectionNames& names : all_names(layout)) sections.push_back(names.section);
  const std::string_view slip = nearest(name, sections);
  base::raise<base::ConfigError>("{}: unknown section {}; allowed: {}{}", place.text, shown_name(name),
                                 fmt::join(sections, ", "),
                                 did_you_mean(slip.empty() ? namesake(layout, name) : std::string(slip)));
}

}  // namespace eightfold::runtime::config
