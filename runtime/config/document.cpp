#include "runtime/config/document.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/parse.hpp"
#include "runtime/config/complaint.hpp"
#include "runtime/config/keys.hpp"
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
  if (!value || !key.accepts(*value))
    reject_value(place, full_name, key, written(node), node.value_or(std::string_view()));
  return *std::move(value);
}

Place place_in(std::string_view source, const toml::source_region& region) {
  return {fmt::format("{}:{}:{}", source, region.begin.line, region.begin.column)};
}

// Reads one file; `source` is what its places begin with.
class Reader {
 public:
  explicit Reader(std::string_view source) : source_(source) {}

  Document read(const toml::table& root) {
    document_.place.text = source_;
    for (const auto& section : job_sections())
      document_.sections[std::string(section.name)].place = document_.place;
    for (const auto& [key, node] : root) read_top(key, node);
    return std::move(document_);
  }

 private:
  Place place_of(const toml::key& key) const { return place_in(source_, key.source()); }
  Place place_of(const toml::node& node) const { return place_in(source_, node.source()); }

  void read_top(const toml::key& key, const toml::node& node) {
    if (key.str() == kModelSection) return read_model(table_of(node, kModelSection, "[model]"));
    for (const auto& section : job_sections()) {
      if (section.name != key.str()) continue;
      GivenSection& given = document_.sections.find(section.name)->second;
      given.place = place_of(key);
      return read_keys(section, section.name, table_of(node, section.name, fmt::format("[{}]", section.name)),
                       given);
    }
    reject_section(place_of(key), key.str());
  }

  void read_model(const toml::table& model) {
    for (const auto& [key, node] : model) {
      if (key.str() != kLayerList)
        reject_key(place_of(key), kModelSection, key.str(), fmt::format("model.{}", shown_name(key.str())));
      const toml::array* layers = node.as_array();
      if (layers == nullptr) wrong_kind(node, "model.layer", "[[model.layer]], one heading per layer");
      for (const toml::node& layer : *layers) read_layer(layer);
    }
  }

  void read_layer(const toml::node& node) {
    const std::string prefix = fmt::format("model.layer[{}]", document_.layers.size());
    GivenSection layer{place_of(node), {}};
    read_keys(layer_section(), prefix, table_of(node, prefix, "[[model.layer]]"), layer);
    document_.layers.push_back(std::move(layer));
  }

  template <class Owner>
  void read_keys(const Section<Owner>& section, std::string_view prefix, const toml::table& table,
                 GivenSection& given) const {
    for (const auto& [name, node] : table) {
      const Key<Owner>* key = section.find(name.str());
      const std::string full_name = fmt::format("{}.{}", prefix, shown_name(name.str()));
      if (key == nullptr) reject_key(place_of(name), section.name, name.str(), full_name);
      const Place place = place_of(node);
      given.keys.emplace(name.str(), Given{accepted(*key, full_name, node, place), place});
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
  Document document_;
};

// The name before '=' of an override, split.
struct Address {
  std::string_view full_name;
  std::string_view section;
  std::string_view key;
};

// The layer that "model.layer[2]" means; null if `section` speaks of something else.
GivenSection* addressed_layer(Document& document, std::string_view section, const Place& place) {
  const std::string_view name = layer_section().name;
  if (section != name && !section.starts_with(fmt::format("{}[", name))) return nullptr;
  const std::string_view brackets = section.substr(name.size());
  const bool closed = brackets.size() > 2 && brackets.ends_with(']');
  const auto index = closed ? base::parse_integer(brackets.substr(1, brackets.size() - 2)) : std::nullopt;
  const auto count = static_cast<std::int64_t>(document.layers.size());
  if (!index || *index < 0 || *index >= count)
    base::raise<base::ConfigError>("{}: no such layer; allowed: {}[i], i counting from 0 and below {}",
                                   place.text, name, count);
  return &document.layers[static_cast<std::size_t>(*index)];
}

// Texts may stand bare on a command line.
std::string override_toml(const KeyFacts& key, std::string_view value) {
  const bool is_text = key.type == Type::text || key.type == Type::choice || key.type == Type::bytes;
  const bool is_bare = is_text && !value.starts_with('"') && !value.starts_with('\'');
  return "value = " + (is_bare ? quoted(value) : std::string(value));
}

template <class Owner>
void assign(const Section<Owner>& section, const Address& address, std::string_view value, const Place& place,
            GivenSection& given) {
  const Key<Owner>* key = section.find(address.key);
  if (key == nullptr) reject_key(place, section.name, address.key, address.full_name);
  toml::table table;
  try {
    table = parse_toml(override_toml(*key, value), place.text);
  } catch (const base::ConfigError&) {
    reject_value(place, address.full_name, *key, shown(std::string(value)), value);
  }
  given.keys.insert_or_assign(std::string(address.key),
                              Given{accepted(*key, address.full_name, *table.get("value"), place), place});
}

}  // namespace

Document read_document(std::string_view text, std::string_view source) {
  return Reader(source).read(parse_toml(text, source));
}

void add_override(Document& document, std::string_view assignment) {
  const Place place{fmt::format("--set {}", assignment)};
  const bool is_line =
      std::ranges::none_of(assignment, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  const std::size_t equals = assignment.find('=');
  const std::string_view name = assignment.substr(0, equals);
  const std::size_t dot = name.rfind('.');
  if (!is_line || equals == std::string_view::npos || dot == std::string_view::npos)
    base::raise<base::ConfigError>("--set {}: not an assignment; allowed: section.key=value",
                                   shown(std::string(assignment)));
  const Address address{name, name.substr(0, dot), name.substr(dot + 1)};
  const std::string_view value = assignment.substr(equals + 1);
  if (GivenSection* layer = addressed_layer(document, address.section, place))
    return assign(layer_section(), address, value, place, *layer);
  for (const auto& section : job_sections())
    if (section.name == address.section)
      return assign(section, address, value, place, document.sections.find(section.name)->second);
  reject_section(place, address.section);
}

}  // namespace eightfold::runtime::config
