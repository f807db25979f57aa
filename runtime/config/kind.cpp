#include "runtime/config/kind.hpp"

#include "kernels/base/error.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace eightfold::runtime::config {
namespace {

// A key of several kinds.
struct Shared {
  Key<Choice> key;
  std::vector<const KindFacts*> kinds;
};

const Key<Choice>* find_key(const KindFacts& kind, std::string_view name) {
  const auto key = std::ranges::find(kind.keys, name, &KeyFacts::name);
  return key == kind.keys.end() ? nullptr : &*key;
}

bool agree(const KeyFacts& a, const KeyFacts& b) {
  return a.type == b.type && a.allowed() == b.allowed() && a.unit == b.unit && a.required == b.required &&
         a.identity == b.identity && a.only_with == b.only_with;
}

std::vector<Shared> share(const Kinds& kinds) {
  std::vector<Shared> all;
  for (const KindFacts* kind : kinds)
    for (const Key<Choice>& key : kind->keys) {
      const auto known = std::ranges::find(all, key.name, [](const Shared& each) { return each.key.name; });
      if (known == all.end()) {
        all.push_back({key, {kind}});
        continue;
      }
      // Kinds that share a key's name share its line in the reference and its entry in the schema.
      base::require(agree(known->key, key), "{} of kind {} means something else than that of {}", key.name,
                    kind->name, known->kinds.front()->name);
      known->kinds.push_back(kind);
    }
  return all;
}

// One text where all kinds say the same, else each text with the kinds that say it.
std::string shared_help(const Shared& shared) {
  std::vector<std::pair<std::string, std::vector<std::string_view>>> texts;
  for (const KindFacts* kind : shared.kinds) {
    const std::string& help = find_key(*kind, shared.key.name)->help;
    auto same = std::ranges::find(texts, help, [](const auto& each) { return each.first; });
    if (same == texts.end()) same = texts.insert(texts.end(), {help, {}});
    same->second.push_back(kind->name);
  }
  std::string text;
  for (const auto& [help, names] : texts)
    text += texts.size() == 1
                ? help
                : fmt::format("{}{}: {}", text.empty() ? "" : " ", fmt::join(names, ", "), help);
  const Value first = shared.key.get({std::string(shared.kinds.front()->name)});
  for (const KindFacts* kind : shared.kinds)
    if (const Value value = find_key(*kind, shared.key.name)->get({std::string(kind->name)}); value != first)
      text += fmt::format(" Default with {}: {}.", kind->name, toml_text(value));
  return text;
}

}  // namespace

std::vector<std::string_view> names_of(const Kinds& kinds) {
  std::vector<std::string_view> names;
  for (const KindFacts* kind : kinds) names.push_back(kind->name);
  return names;
}

std::string help_of(const Kinds& kinds) {
  std::vector<std::string> texts;
  for (const KindFacts* kind : kinds) texts.push_back(fmt::format("\"{}\": {}", kind->name, kind->help));
  return fmt::format("{}", fmt::join(texts, " "));
}

std::vector<Key<Choice>> keys_of(const Kinds& kinds) {
  std::vector<Key<Choice>> keys;
  for (Shared& shared : share(kinds)) {
    Key<Choice> key = shared.key;
    key.help = shared_help(shared);
    if (shared.kinds.size() < kinds.size())
      key.only_with.insert(key.only_with.begin(), Condition{"kind", names_of(shared.kinds)});
    key.get = [kinds, name = key.name, otherwise = shared.key.get](const Choice& choice) {
      const KindFacts* kind = find_kind(kinds, choice.kind);
      const Key<Choice>* own = kind != nullptr ? find_key(*kind, name) : nullptr;
      return own != nullptr ? own->get(choice) : otherwise(choice);
    };
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace eightfold::runtime::config
