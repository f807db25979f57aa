#include "runtime/config/tables.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "runtime/config/errors.hpp"
#include "runtime/config/limits.hpp"

#include <toml++/toml.h>

#include <optional>

namespace eightfold::runtime::config {
namespace {

toml::table parse_toml(std::string_view text, std::string_view source) {
  check_limits(text, source);
  try {
    return toml::parse(text, std::string(source));
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    base::raise<base::ConfigError>("{}:{}:{}: not valid TOML: {}", source, at.line, at.column,
                                   on_one_line(std::string(error.description())));
  }
}

std::optional<Value> integers(const toml::array& array) {
  std::vector<std::int64_t> list;
  for (const toml::node& element : array) {
    if (!element.is_integer()) return std::nullopt;
    list.push_back(element.as_integer()->get());
  }
  return list;
}

// Nothing for what no key can hold: tables, dates, and arrays of anything but integers.
std::optional<Value> plain_value(const toml::node& node) {
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* array = node.as_array()) return integers(*array);
  return std::nullopt;
}

std::string written(const toml::node& node) {
  if (node.is_table()) return "a table";
  const std::optional<Value> value = plain_value(node);
  if (value) return shown(*value);
  return node.is_array() ? "an array" : "a date or time";
}

Value accepted(const KeyFacts& key, std::string_view full_name, const toml::node& node, const Place& place) {
  std::optional<Value> value = plain_value(node);
  if (!value || !key.accepts(*value)) {
    const std::string objection = value ? key.objection(*value) : std::string();
    reject_value(place, full_name, key,
                 objection.empty() ? written(node) : fmt::format("{} ({})", written(node), objection),
                 node.value_or(std::string_view()));
  }
  return *std::move(value);
}

Place place_in(std::string_view source, const toml::source_region& region) {
  return {fmt::format("{}:{}:{}", source, region.begin.line, region.begin.column)};
}

// Reads one file; `source` is what its places begin with.
class Reader {
 public:
  Reader(std::string_view source, const Layout& layout, ErrorList& errors, FormerNames former)
      : source_(source), layout_(layout), errors_(errors), former_(former) {}

  Tables read(const toml::table& root) {
    // Every section exists from here on: one that the file leaves out has its defaults.
    tables_.place.text = source_;
    for (const TableFacts& table : layout_) {
      if (table.is_list)
        tables_.lists[std::string(table.name)];
      else
        tables_.sections[std::string(table.name)].place = tables_.place;
    }
    for (const auto& [key, node] : root) errors_.collect_for(key.str(), [&] { read_top(key, node); });
    return std::move(tables_);
  }

 private:
  Place place_of(const toml::key& key) const { return place_in(source_, key.source()); }
  Place place_of(const toml::node& node) const { return place_in(source_, node.source()); }

  void read_top(const toml::key& key, const toml::node& node) {
    for (const TableFacts& facts : layout_) {
      const bool is_nested = facts.name.find('.') != std::string_view::npos;
      if (!is_nested && facts.name == key.str())
        return facts.is_list ? read_list(facts, node) : read_one(facts, key, node);
      if (facts.name.starts_with(std::string(key.str()) + '.')) return read_parent(key.str(), node);
    }
    reject_section(place_of(key), layout_, key.str());
  }

  void read_one(const TableFacts& facts, const toml::key& key, const toml::node& node) {
    GivenSection& given = tables_.sections.find(facts.name)->second;
    given.place = place_of(key);
    read_keys(facts, facts.name, table_of(node, facts.name, fmt::format("[{}]", facts.name)), given);
  }

  // A table that holds nothing but lists.
  void read_parent(std::string_view parent, const toml::node& node) {
    for (const auto& [key, child] : table_of(node, parent, fmt::format("[{}]", parent))) {
      const std::string full_name = fmt::format("{}.{}", parent, key.str());
      errors_.collect_for(full_name, [&] {
        const auto list = std::ranges::find(layout_, full_name, &TableFacts::name);
        if (list == layout_.end())
          reject_key(place_of(key), layout_, parent, key.str(),
                     fmt::format("{}.{}", parent, shown_name(key.str())));
        read_list(*list, child);
      });
    }
  }

  void read_list(const TableFacts& facts, const toml::node& node) {
    const std::string heading = fmt::format("[[{}]]", facts.name);
    const std::string_view item = facts.name.substr(facts.name.rfind('.') + 1);
    const toml::array* array = node.as_array();
    if (array == nullptr) wrong_kind(node, facts.name, fmt::format("{}, one heading per {}", heading, item));
    std::vector<GivenSection>& list = tables_.lists.find(facts.name)->second;
    for (const toml::node& element : *array) {
      const std::string prefix = fmt::format("{}[{}]", facts.name, list.size());
      GivenSection& given = list.emplace_back();
      given.place = place_of(element);
      errors_.collect_for(prefix,
                          [&] { read_keys(facts, prefix, table_of(element, prefix, heading), given); });
    }
  }

  void read_keys(const TableFacts& facts, std::string_view prefix, const toml::table& table,
                 GivenSection& given) {
    for (const auto& [name, node] : table) {
      const KeyFacts* key = facts.find(name.str());
      if (key == nullptr && former_ == FormerNames::understood) key = facts.find_former(name.str());
      if (key == nullptr) {
        // Rejected later: what is allowed here depends on other values of the section, which may follow.
        given.unknown.push_back({std::string(name.str()), place_of(name)});
        continue;
      }
      const std::string full_name = fmt::format("{}.{}", prefix, key->name);
      const Place place = place_of(node);
      errors_.collect_for(full_name, [&] {
        given.keys.emplace(key->name, Given{accepted(*key, full_name, node, place), place});
      });
    }
  }

  const toml::table& table_of(const toml::node& node, std::string_view name, std::string_view allowed) const {
    if (!node.is_table()) wrong_kind(node, name, allowed);
    return *node.as_table();
  }

  [[noreturn]] void wrong_kind(const toml::node& node, std::string_view name,
                               std::string_view allowed) const {
    base::raise<base::ConfigError>("{}: {} is {}; allowed: {}", place_of(node).text, name, written(node),
                                   allowed);
  }

  std::string source_;
  const Layout& layout_;
  ErrorList& errors_;
  FormerNames former_;
  Tables tables_;
};

// Texts may stand bare on a command line.
std::string toml_of(const KeyFacts& key, std::string_view value) {
  const bool is_text = key.type == Type::text || key.type == Type::path || key.type == Type::choice ||
                       key.type == Type::bytes || key.type == Type::duration;
  const bool is_bare = is_text && !value.starts_with('"') && !value.starts_with('\'');
  return "value = " + (is_bare ? quoted(value) : std::string(value));
}

}  // namespace

const KeyFacts* TableFacts::find(std::string_view key_name) const {
  const auto key = std::ranges::find(keys, key_name, &KeyFacts::name);
  return key == keys.end() ? nullptr : *key;
}

const KeyFacts* TableFacts::find_former(std::string_view key_name) const {
  if (key_name.empty()) return nullptr;
  const auto key = std::ranges::find(keys, key_name, &KeyFacts::formerly);
  return key == keys.end() ? nullptr : *key;
}

std::optional<std::string> TableFacts::value_of(std::string_view key_name, const GivenSection& given) const {
  if (const auto entry = given.keys.find(key_name); entry != given.keys.end())
    return std::get<std::string>(entry->second.value);
  const auto key = std::ranges::find(keys, key_name, &KeyFacts::name);
  if ((*key)->required) return std::nullopt;
  return std::get<std::string>(defaults[static_cast<std::size_t>(key - keys.begin())]);
}

bool Tables::has_heading(std::string_view section) const {
  return sections.find(section)->second.place.text != place.text;
}

std::string read_toml_file(const std::filesystem::path& file) {
  try {
    return base::read_file(file, kLargestFile);
  } catch (const base::EnvironmentError& error) {
    base::raise<base::ConfigError>("{}", error.what());
  }
}

Tables read_tables(std::string_view text, std::string_view source, const Layout& layout, ErrorList& errors,
                   FormerNames former) {
  return Reader(source, layout, errors, former).read(parse_toml(text, source));
}

// The value is parsed as a line of a file would be, so that --set and files understand the same spellings.
Value read_value(const KeyFacts& key, std::string_view full_name, std::string_view text, const Place& place) {
  toml::table table;
  try {
    table = parse_toml(toml_of(key, text), place.text);
  } catch (const base::ConfigError&) {
    // The parser's message would speak of TOML that the user has not written.
    reject_value(place, full_name, key, shown(std::string(text)), text);
  }
  return accepted(key, full_name, *table.get("value"), place);
}

}  // namespace eightfold::runtime::config
