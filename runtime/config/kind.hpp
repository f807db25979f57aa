#pragma once

// A kind is a variant that a job names by `kind = "..."`, such as a layer or an optimizer. It is described
// beside its implementation: name, help, keys, check, builder. A registry lists the descriptions. The
// sections of a job file are made from the registries (runtime/job/keys.cpp).

#include "kernels/base/error.hpp"
#include "runtime/config/choice.hpp"
#include "runtime/config/key.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::runtime::config {

class Together;

// The description of a kind whose keys are the fields of Options.
template <class Options>
struct Kind {
  std::string_view name;  // in job files
  std::string help;       // one sentence
  std::vector<Key<Options>> keys = {};
  // Gives fields that were left out what follows from others.
  void (*complete)(Options&) = nullptr;
  // Finds keys that do not go together.
  void (*check)(const Options&, const Together&) = nullptr;

  Options options(const Choice& choice) const {
    Options result;
    for (const Key<Options>& key : keys)
      if (const auto value = choice.values.find(key.name); value != choice.values.end())
        key.set(result, value->second);
    return result;
  }
};

// The same without the type of its options.
struct KindFacts {
  std::string_view name;
  std::string help;
  std::vector<Key<Choice>> keys;  // get: the value, or the kind's default
  std::function<void(Choice&)> complete;
  std::function<void(const Choice&, const Together&)> check;
};

template <class Options>
KindFacts facts_of(const std::shared_ptr<const Kind<Options>>& kind) {
  KindFacts facts{kind->name, kind->help, {}, {}, {}};
  for (const Key<Options>& key : kind->keys)
    facts.keys.push_back({static_cast<const KeyFacts&>(key),
                          [kind, &key](const Choice& choice) { return key.get(kind->options(choice)); },
                          [name = key.name](Choice& choice, const Value& value) {
                            choice.values[std::string(name)] = value;
                          }});
  facts.complete = [kind](Choice& choice) {
    Options options = kind->options(choice);
    if (kind->complete != nullptr) kind->complete(options);
    for (const Key<Options>& key : kind->keys) choice.values[std::string(key.name)] = key.get(options);
  };
  facts.check = [kind](const Choice& choice, const Together& together) {
    if (kind->check != nullptr) kind->check(kind->options(choice), together);
  };
  return facts;
}

using Kinds = std::vector<const KindFacts*>;

// The kind of this name; null if there is none.
template <class Some>
const Some* find_kind(const std::vector<const Some*>& kinds, std::string_view name) {
  const auto kind = std::ranges::find(kinds, name, [](const Some* each) { return each->name; });
  return kind == kinds.end() ? nullptr : *kind;
}
// The same for a name that a job's check has accepted.
template <class Some>
const Some& require_kind(const std::vector<const Some*>& kinds, std::string_view name) {
  const Some* kind = find_kind(kinds, name);
  base::require(kind != nullptr, "there is no kind \"{}\"", name);
  return *kind;
}
// "linear", "conv2d" ... They last as long as the kinds.
std::vector<std::string_view> names_of(const Kinds& kinds);
// "`linear`: every output sees every input. `conv2d`: ...".
std::string help_of(const Kinds& kinds);
// The keys of all kinds, each name once and with the kinds that have it; get() answers for the kind of the
// choice. Kinds that share a name agree on everything but help and default, and the help says in what not.
std::vector<Key<Choice>> keys_of(const Kinds& kinds);

}  // namespace eightfold::runtime::config
