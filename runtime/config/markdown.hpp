#pragma once

// Keys as tables of a documentation page.

#include "runtime/config/key.hpp"

#include <fmt/ranges.h>

#include <string>
#include <string_view>
#include <vector>

namespace eightfold::runtime::config {

// "only with kind = `sgd`, `rmsprop`"; empty for a key that always has its effect.
inline std::string scope(const KeyFacts& key) {
  std::vector<std::string> parts;
  for (const Condition& condition : key.only_with)
    parts.push_back(fmt::format("{} = `{}`", condition.key, fmt::join(condition.values, "`, `")));
  return parts.empty() ? "" : fmt::format("Only with {}.", fmt::join(parts, " and "));
}

template <class Owner>
std::string default_text(const Key<Owner>& key) {
  return key.required ? "required" : fmt::format("`{}`", toml_text(key.get(Owner())));
}

// A row for every key.
template <class Owner>
std::string keys_markdown(const Section<Owner>& section) {
  std::string text = "| key | allowed | default | meaning |\n|---|---|---|---|\n";
  for (const Key<Owner>& key : section.keys) {
    const bool show_unit = !key.unit.empty() && key.type != Type::bytes;
    const std::string scope_text = scope(key);
    text += fmt::format("| `{}` | {}{} | {} | {}{}{} |\n", key.name, key.allowed(),
                        show_unit ? fmt::format(" ({})", key.unit) : "", default_text(key), key.help,
                        scope_text.empty() ? "" : " ", scope_text);
  }
  return text;
}

// A heading of the second level, what the section is for, and its keys.
template <class Owner>
std::string section_markdown(const Section<Owner>& section, std::string_view heading) {
  return fmt::format("\n## {}\n\n{}\n\n{}", heading, section.help, keys_markdown(section));
}

}  // namespace eightfold::runtime::config
