#include "runtime/config/errors.hpp"

#include "kernels/base/parse.hpp"
#include "runtime/config/aliases.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <optional>

namespace eightfold::runtime::config {
namespace {

using Names = std::vector<std::string_view>;

// A longer word is not a slip of the finger, and comparing it takes time; in a shorter one everything would
// be.
constexpr std::size_t kLongestSlip = 64;
constexpr std::size_t kShortestSlip = 3;

std::string_view nearest(std::string_view word, std::span<const std::string_view> names) {
  const bool may_be_slip = word.size() >= kShortestSlip && word.size() <= kLongestSlip;
  return may_be_slip ? base::nearest_name(word, names) : std::string_view();
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

bool has_name(const Layout& layout, std::string_view full_name) {
  return std::ranges::any_of(all_names(layout), [&](const SectionNames& names) {
    return names.section == full_name || std::ranges::any_of(names.keys, [&](std::string_view key) {
             return full_name == fmt::format("{}.{}", names.section, key);
           });
  });
}

// What `name` is called here, where another program's word is used; empty if nothing is known.
std::string meaning(const Layout& layout, std::string_view name) {
  for (const std::string_view meant : meanings(name))
    if (has_name(layout, meant)) return std::string(meant);
  return {};
}

std::string did_you_mean(std::string_view name) {
  return name.empty() ? std::string() : fmt::format("; did you mean {}?", name);
}

// What was meant by a key of `section`, of whose keys those in `keys` have an effect.
// The likeliest comes first: another program's word for a key of this section, then a slip of the finger.
// Then come keys of this name in other sections, and another program's word for one of those.
std::string key_meant(const Layout& layout, std::string_view section, std::string_view name,
                      const Names& keys) {
  for (const std::string_view meant : meanings(name))
    for (const std::string_view key : keys)
      if (meant == fmt::format("{}.{}", section, key)) return std::string(meant);
  if (const std::string_view slip = nearest(name, keys); !slip.empty())
    return fmt::format("{}.{}", section, slip);
  std::string elsewhere = namesake(layout, name);
  return elsewhere.empty() ? meaning(layout, name) : elsewhere;
}

// What a section's keys depend on: "kind" and its value.
using Circumstances = std::vector<std::pair<std::string_view, std::string>>;

struct EffectiveKeys {
  Names keys;
  Circumstances circumstances;  // those that leave another key without effect
};

// Of the keys of a table those that have an effect beside what is given. Where a condition is in doubt it is
// taken to hold.
EffectiveKeys effective_keys(const TableFacts& table, std::string_view prefix, const GivenSection& given,
                             const ErrorList& errors) {
  const auto fails = [&](const Condition& condition) {
    const std::optional<std::string> value = table.value_of(condition.key, given);
    return value && !errors.doubts(fmt::format("{}.{}", prefix, condition.key)) &&
           std::ranges::find(condition.values, *value) == condition.values.end();
  };
  EffectiveKeys result;
  std::set<std::string_view> decisive;
  for (const KeyFacts* key : table.keys) {
    const auto unmet_condition = std::ranges::find_if(key->only_with, fails);
    if (unmet_condition == key->only_with.end())
      result.keys.push_back(key->name);
    else
      decisive.insert(unmet_condition->key);
  }
  for (const KeyFacts* key : table.keys)
    if (decisive.contains(key->name))
      result.circumstances.emplace_back(key->name, *table.value_of(key->name, given));
  return result;
}

std::string described(const Circumstances& circumstances) {
  std::vector<std::string> texts;
  for (const auto& [key, value] : circumstances)
    texts.push_back(fmt::format("{} = {}", key, config::quoted(value)));
  return texts.empty() ? "" : fmt::format(" with {}", fmt::join(texts, ", "));
}

void reject_unknown_keys(const TableFacts& table, std::string_view prefix, const GivenSection& given,
                         const Layout& layout, ErrorList& errors) {
  if (given.unknown.empty()) return;
  const EffectiveKeys effective = effective_keys(table, prefix, given, errors);
  for (const UnknownKey& key : given.unknown)
    errors.collect([&] {
      if (const KeyFacts* renamed = table.find_former(key.name))
        base::raise<base::ConfigError>("{}: {}.{} is called {}.{} now", key.place.text, prefix, key.name,
                                       prefix, renamed->name);
      base::raise<base::ConfigError>("{}: unknown key {}.{}; allowed in {}{}: {}{}", key.place.text, prefix,
                                     shown_name(key.name), table.name, described(effective.circumstances),
                                     fmt::join(effective.keys, ", "),
                                     did_you_mean(key_meant(layout, table.name, key.name, effective.keys)));
    });
}

// Where in its file a line speaks of, "source:12:3: ..."; behind everything else if it speaks of no place.
std::pair<std::int64_t, std::int64_t> position_of(std::string_view line, std::string_view source) {
  constexpr std::int64_t kBehind = std::numeric_limits<std::int64_t>::max();
  if (!line.starts_with(source)) return {kBehind, 0};
  std::string_view rest = line.substr(source.size());
  std::int64_t numbers[2] = {kBehind, 0};
  for (std::int64_t& number : numbers) {
    if (!rest.starts_with(':')) break;
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const std::optional<std::int64_t> read = base::parse_integer(rest.substr(0, end));
    if (!read) break;
    number = *read;
    rest.remove_prefix(end);
  }
  return {numbers[0], numbers[1]};
}

std::string summary(const std::vector<std::string>& lines) {
  if (lines.size() == 1) return lines.front();
  return fmt::format("{} (and {} more error{})", lines.front(), lines.size() - 1,
                     lines.size() > 2 ? "s" : "");
}

}  // namespace

ConfigErrors::ConfigErrors(std::vector<std::string> lines)
    : base::ConfigError(summary(lines)), lines_(std::move(lines)) {}

void ErrorList::add_missing(const Place& place, std::string_view full_name, std::string_view allowed) {
  missing_.push_back(fmt::format("{}: {} is missing; allowed: {}", place.text, full_name, allowed));
  doubtful_.emplace(full_name);
}

void ErrorList::raise() const {
  std::vector<std::string> all;
  for (std::vector<std::string> lines : {lines_, missing_}) {
    std::ranges::stable_sort(lines, {},
                             [this](const std::string& line) { return position_of(line, source_); });
    all.insert(all.end(), lines.begin(), lines.end());
  }
  if (!all.empty()) throw ConfigErrors(std::move(all));
}

void reject_value(const Place& place, std::string_view full_name, const KeyFacts& key,
                  std::string_view written, std::string_view word) {
  std::string_view choice = choice_meant(full_name, word);
  if (choice.empty()) choice = nearest(word, key.choices);
  base::raise<base::ConfigError>("{}: {} is {}; allowed: {}{}", place.text, full_name, written, key.allowed(),
                                 choice.empty() ? "" : did_you_mean(quoted(choice)));
}

void reject_key(const Place& place, const Layout& layout, std::string_view section, std::string_view name,
                std::string_view full_name) {
  Names keys;
  for (const SectionNames& names : all_names(layout))
    if (names.section == section) keys = names.keys;
  base::raise<base::ConfigError>("{}: unknown key {}; allowed in {}: {}{}", place.text, full_name, section,
                                 fmt::join(keys, ", "), did_you_mean(key_meant(layout, section, name, keys)));
}

void reject_lone_key(const Place& place, const Layout& layout, std::string_view name) {
  Names keys;
  for (const SectionNames& names : all_names(layout))
    keys.insert(keys.end(), names.keys.begin(), names.keys.end());
  std::string meant = namesake(layout, name);
  if (meant.empty()) meant = meaning(layout, name);
  if (meant.empty()) meant = namesake(layout, nearest(name, keys));
  base::raise<base::ConfigError>("{}: {} has no section; allowed: section.key=value{}", place.text,
                                 shown_name(name), did_you_mean(meant));
}

void reject_section(const Place& place, const Layout& layout, std::string_view name) {
  Names sections;
  for (const SectionNames& names : all_names(layout)) sections.push_back(names.section);
  std::string meant(nearest(name, sections));
  if (meant.empty()) meant = namesake(layout, name);
  if (meant.empty()) meant = meaning(layout, name);
  base::raise<base::ConfigError>("{}: unknown section {}; allowed: {}{}", place.text, shown_name(name),
                                 fmt::join(sections, ", "), did_you_mean(meant));
}

void reject_unknown_keys(const Tables& tables, const Layout& layout, ErrorList& errors) {
  for (const TableFacts& table : layout) {
    if (!table.is_list) {
      reject_unknown_keys(table, table.name, tables.sections.find(table.name)->second, layout, errors);
      continue;
    }
    const std::vector<GivenSection>& list = tables.lists.find(table.name)->second;
    for (std::size_t i = 0; i < list.size(); ++i)
      reject_unknown_keys(table, fmt::format("{}[{}]", table.name, i), list[i], layout, errors);
  }
}

}  // namespace eightfold::runtime::config
