#pragma once

// The facts about one key of a config file, and its way to its field. The parser, `config show`, the docs
// page and the JSON schema use only these facts. So none of them can disagree with the rest.

#include "runtime/config/value.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::runtime::config {

// integers: a list, strictly ascending and not empty. bytes: a size such as "64MiB". duration: "10s"; its
// range is in seconds.
// path: a text that base::expand_path takes.
enum class Type { boolean, integer, real, text, path, choice, bytes, duration, integers };
// any: may be empty. name: also the name of a directory. No text has control characters.
enum class TextRule { any, filled, name };
// Decides if a checkpoint of one job may continue as another that differs in this key. none: yes. always: no,
// the key decides the numbers of training. horizon: no, if the schedule of one of them depends on the job's
// end.
enum class Identity { none, always, horizon };

struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool above_low = false;   // low itself is not allowed
  bool below_high = false;  // high itself is not allowed
};

// The key has an effect only where another key of its section has one of these values.
struct Condition {
  std::string_view key;
  std::vector<std::string_view> values;
  bool operator==(const Condition&) const = default;
};

struct Facts {
  std::string help;
  std::string_view unit = "";
  Range range = {};  // of each number
  TextRule text = TextRule::any;
  std::vector<Condition> only_with = {};  // all of them
  bool required = false;                  // where it has an effect
  Identity identity = Identity::none;
  std::string_view formerly = "";  // its name in earlier versions
};

struct KeyFacts : Facts {
  std::string_view name;
  Type type = Type::text;
  std::span<const std::string_view> choices = {};

  bool accepts(const Value& value) const;
  // The reason in words why accepts() refuses a path; empty for all else.
  std::string objection(const Value& value) const;
  // The values that accepts() takes, in words: "an integer, at least 1".
  std::string allowed() const;
};

// A key whose value is a field of Owner.
template <class Owner>
struct Key : KeyFacts {
  std::function<Value(const Owner&)> get;
  // `value` is one that the key accepts.
  std::function<void(Owner&, const Value&)> set;
};

// The keys under one [heading]; condition keys stand before those that depend on them.
template <class Owner>
struct Section {
  std::string_view name;
  std::string_view help;
  std::vector<Key<Owner>> keys;

  const Key<Owner>* find(std::string_view key_name) const {
    for (const Key<Owner>& key : keys)
      if (key.name == key_name) return &key;
    return nullptr;
  }

  // The condition that leaves `key` without effect in `owner`; null if it has its effect.
  const Condition* unmet_condition(const KeyFacts& key, const Owner& owner) const {
    for (const Condition& condition : key.only_with) {
      const Value value = find(condition.key)->get(owner);
      const bool holds =
          std::ranges::find(condition.values, std::get<std::string>(value)) != condition.values.end();
      if (!holds) return &condition;
    }
    return nullptr;
  }
};

}  // namespace eightfold::runtime::config
