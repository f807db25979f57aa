#pragma once

// The layout and the contents of a TOML file of ours: tables, lists of tables, and keys with one value each.
// Every value read is one that its key accepts. Unknown keys are set apart. Checks that keys fit together
// come later.

#include "runtime/config/key.hpp"
#include "runtime/config/place.hpp"
#include "runtime/config/value.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::runtime::config {

struct Given {
  Value value;
  Place place;
};

struct UnknownKey {
  std::string name;
  Place place;
};

struct GivenSection {
  Place place;  // of its heading; without one, of the whole file
  std::map<std::string, Given, std::less<>> keys;
  std::vector<UnknownKey> unknown;
};

// The keys under one heading, whatever becomes of their values. The facts belong to a Section.
struct TableFacts {
  std::string_view name;
  bool is_list = false;  // [[name]]; a list's name may have a table before it: "model.layer"
  std::vector<const KeyFacts*> keys;
  std::vector<Value> defaults;  // of the keys, in their order

  const KeyFacts* find(std::string_view key_name) const;
  // The key that had this name in earlier versions; null if none had.
  const KeyFacts* find_former(std::string_view key_name) const;
  // The value of a key that is a choice: the given one, else the default; nothing if it is required and not
  // given.
  std::optional<std::string> value_of(std::string_view key_name, const GivenSection& given) const;
};
using Layout = std::vector<TableFacts>;

template <class Owner>
TableFacts table_facts(const Section<Owner>& section, bool is_list = false) {
  TableFacts table{section.name, is_list, {}, {}};
  for (const Key<Owner>& key : section.keys) {
    table.keys.push_back(&key);
    table.defaults.push_back(key.get(Owner()));
  }
  return table;
}

class ErrorList;

// Decides if a key may be given by its name of earlier versions. Files that the program saved may use it,
// files that people write may not.
enum class FormerNames { refused, understood };

struct Tables {
  Place place;  // the file
  // All that the layout has, also those without a heading.
  std::map<std::string, GivenSection, std::less<>> sections;
  std::map<std::string, std::vector<GivenSection>, std::less<>> lists;

  bool has_heading(std::string_view section) const;
};

// The text of a file that the user has named. Throws ConfigError if it cannot be read or is too large.
std::string read_toml_file(const std::filesystem::path& file);

// Reports every fault but unknown keys (reject_unknown_keys()) as "source:line:column: what is wrong; what is
// allowed". Throws ConfigError where the text is no TOML.
Tables read_tables(std::string_view text, std::string_view source, const Layout& layout, ErrorList& errors,
                   FormerNames former = FormerNames::refused);

// A value as it stands on a command line: TOML, but texts, choices and sizes need no quotes. Throws
// ConfigError at `place`.
Value read_value(const KeyFacts& key, std::string_view full_name, std::string_view text, const Place& place);

}  // namespace eightfold::runtime::config
