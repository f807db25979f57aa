#include "runtime/config/complaint.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/parse.hpp"
#include "runtime/config/keys.hpp"

#include <fmt/ranges.h>

namespace eightfold::runtime::config {
namespace {

using Names = std::vector<std::string_view>;

// A longer word is not a slip of the finger, and comparing it takes time.
constexpr std::size_t kLongestSlip = 64;

std::string_view nearest(std::string_view word, std::span<const std::string_view> names) {
  return word.size() > kLongestSlip ? std::string_view() : base::nearest_name(word, names);
}

template <class Owner>
Names key_names(const Section<Owner>& section) {
  Names names;
  for (const Key<Owner>& key : section.keys) names.push_back(key.name);
  return names;
}

struct SectionNames {
  std::string_view section;
  Names keys;
};

std::vector<SectionNames> all_names() {
  std::vector<SectionNames> all;
  for (const auto& section : job_sections()) all.push_back({section.name, key_names(section)});
  all.push_back({kModelSection, {kLayerList}});
  all.push_back({layer_section().name, key_names(layer_section())});
  return all;
}

// The full name of a key that is called exactly so, in whatever section; empty if there is none.
std::string namesake(std::string_view name) {
  for (const auto& [section, keys] : all_names())
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

void reject_key(const Place& place, std::string_view section, std::string_view name,
                std::string_view full_name) {
  Names keys;
  for (const SectionNames& names : all_names())
    if (names.section == section) keys = names.keys;
  const std::string_view slip = nearest(name, keys);
  const std::string meant = slip.empty() ? namesake(name) : fmt::format("{}.{}", section, slip);
  base::raise<base::ConfigError>("{}: unknown key {}; allowed in {}: {}{}", place.text, full_name, section,
                                 fmt::join(keys, ", "), did_you_mean(meant));
}

void reject_section(const Place& place, std::string_view name) {
  Names sections;
  for (const SectionNames& names : all_names()) sections.push_back(names.section);
  const std::string_view slip = nearest(name, sections);
  base::raise<base::ConfigError>("{}: unknown section {}; allowed: {}{}", place.text, shown_name(name),
                                 fmt::join(sections, ", "),
                                 did_you_mean(slip.empty() ? namesake(name) : std::string(slip)));
}

}  // namespace eightfold::runtime::config
