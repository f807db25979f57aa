#pragma once

// From the keys that a file gives to the fields of the struct that they stand for.

#include "kernels/base/error.hpp"
#include "runtime/config/tables.hpp"

#include <fmt/ranges.h>

#include <string>
#include <string_view>

namespace eightfold::runtime::config {

// Where the key was given; `otherwise` if it was not.
inline const Place& place_of(const Origins& origins, std::string_view key, const Place& otherwise) {
  const auto found = origins.find(key);
  return found == origins.end() ? otherwise : found->second;
}

template <class Owner>
[[noreturn]] void reject_idle_key(const Section<Owner>& section, const Condition& obstacle,
                                  const Owner& owner, std::string_view prefix, std::string_view key,
                                  const Place& place) {
  base::raise<base::ConfigError>("{}: {}.{} has no effect with {}.{} = {}; allowed with {} = \"{}\"",
                                 place.text, prefix, key, prefix, obstacle.key,
                                 toml_text(section.find(obstacle.key)->get(owner)), obstacle.key,
                                 fmt::join(obstacle.values, "\", \""));
}

// Sets the fields that are given, then checks that each has an effect and that none is missing.
template <class Owner>
void fill(const Section<Owner>& section, std::string_view prefix, const GivenSection& given, Owner& owner,
          Origins& origins) {
  for (const auto& [name, entry] : given.keys) {
    section.find(name)->set(owner, entry.value);
    origins.emplace(fmt::format("{}.{}", prefix, name), entry.place);
  }
  for (const Key<Owner>& key : section.keys) {
    const auto entry = given.keys.find(key.name);
    const Condition* obstacle = section.obstacle(key, owner);
    if (obstacle != nullptr && entry != given.keys.end())
      reject_idle_key(section, *obstacle, owner, prefix, key.name, entry->second.place);
    if (obstacle == nullptr && key.required && entry == given.keys.end())
      base::raise<base::ConfigError>("{}: {}.{} is missing; allowed: {}", given.place.text, prefix, key.name,
                                     key.allowed());
  }
}

}  // namespace eightfold::runtime::config
