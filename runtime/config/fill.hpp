#pragma once

// From the keys that a file gives to the fields of the struct that they stand for.

#include "kernels/base/error.hpp"
#include "runtime/config/errors.hpp"
#include "runtime/config/tables.hpp"

#include <fmt/ranges.h>

#include <string>
#include <string_view>
#include <utility>

namespace eightfold::runtime::config {

// The place at which the key was given; `otherwise` if it was not.
inline const Place& place_of(const Origins& origins, std::string_view key, const Place& otherwise) {
  const auto found = origins.find(key);
  return found == origins.end() ? otherwise : found->second;
}

template <class Owner>
[[noreturn]] void reject_idle_key(const Section<Owner>& section, const Condition& unmet_condition,
                                  const Owner& owner, std::string_view prefix, std::string_view key,
                                  const Place& place) {
  base::raise<base::ConfigError>("{}: {}.{} has no effect with {}.{} = {}; allowed with {} = \"{}\"",
                                 place.text, prefix, key, prefix, unmet_condition.key,
                                 toml_text(section.find(unmet_condition.key)->get(owner)),
                                 unmet_condition.key, fmt::join(unmet_condition.values, "\", \""));
}

// True if a key depends on another key that is wrong or missing itself.
template <class Owner>
bool depends_on_doubt(const Key<Owner>& key, std::string_view prefix, const ErrorList& errors) {
  return std::ranges::any_of(key.only_with, [&](const Condition& condition) {
    return errors.doubts(fmt::format("{}.{}", prefix, condition.key));
  });
}

// Reports a key that is given without effect, or required and not given.
template <class Owner>
void check_presence(const Section<Owner>& section, const Key<Owner>& key, std::string_view prefix,
                    const GivenSection& given, const Owner& owner, ErrorList& errors) {
  const std::string full_name = fmt::format("{}.{}", prefix, key.name);
  if (errors.doubts(prefix) || errors.doubts(full_name) || depends_on_doubt(key, prefix, errors)) return;
  const auto entry = given.keys.find(key.name);
  const Condition* unmet_condition = section.unmet_condition(key, owner);
  if (unmet_condition != nullptr && entry != given.keys.end())
    errors.collect_for(full_name, [&] {
      reject_idle_key(section, *unmet_condition, owner, prefix, key.name, entry->second.place);
    });
  if (unmet_condition == nullptr && key.required && entry == given.keys.end())
    errors.add_missing(given.place, full_name, key.allowed());
}

// Sets the fields that are given, then checks that each has an effect and that none is missing.
template <class Owner>
void fill(const Section<Owner>& section, std::string_view prefix, const GivenSection& given, Owner& owner,
          Origins& origins, ErrorList& errors) {
  for (const auto& [name, entry] : given.keys) {
    const Key<Owner>& key = *section.find(name);
    key.set(owner, entry.value);
    Place place = entry.place;
    if (key.type == Type::path && key.get(owner) != entry.value)
      place.expanded = std::get<std::string>(key.get(owner));
    origins.emplace(fmt::format("{}.{}", prefix, name), std::move(place));
  }
  for (const Key<Owner>& key : section.keys) check_presence(section, key, prefix, given, owner, errors);
}

}  // namespace eightfold::runtime::config
