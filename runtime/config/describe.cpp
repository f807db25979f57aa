#include "runtime/config/describe.hpp"

#include "kernels/base/json.hpp"
#include "runtime/config/keys.hpp"
#include "runtime/config/markdown.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace eightfold::runtime::config {
namespace {

constexpr std::string_view kIntroduction = R"(# Job files

A job is described by one TOML file. This page lists every key; `eightfold config docs` prints it.

Anything that is not on this page is an error, and so is a key that would have no effect. Sizes are written `"64MiB"`,
durations `"10s"`. `eightfold config check FILE` says all that is wrong with a file; `eightfold config show --resolved --origin FILE` prints
every value and where it comes from. `--set section.key=value` changes a key for one run, `--set model.layer[2].rate=0.1`
one of the third layer. In paths `~/` and `$NAME` become the home directory and the variable of the environment, as on the
command line; `$$` is a dollar sign. The files in `configs/jobs/` are examples with comments.
)";

using Json = nlohmann::ordered_json;

Json value_json(const Value& value) {
  return std::visit([](const auto& plain) { return Json(plain); }, value);
}

void add_range(const KeyFacts& key, Json& schema) {
  const bool whole = key.type != Type::real;
  const auto number = [&](double bound) {
    return whole ? Json(static_cast<std::int64_t>(bound)) : Json(bound);
  };
  if (std::isfinite(key.range.low))
    schema[key.range.above_low ? "exclusiveMinimum" : "minimum"] = number(key.range.low);
  if (std::isfinite(key.range.high))
    schema[key.range.below_high ? "exclusiveMaximum" : "maximum"] = number(key.range.high);
}

// What the type and its constraints are in JSON Schema. Bounds of sizes and durations have no counterpart
// there.
Json type_schema(const KeyFacts& key) {
  switch (key.type) {
    case Type::boolean:
      return {{"type", "boolean"}};
    case Type::text:
      if (key.text == TextRule::name) return {{"type", "string"}, {"pattern", "^[A-Za-z0-9._-]+$"}};
      return key.text == TextRule::filled ? Json{{"type", "string"}, {"minLength", 1}}
                                          : Json{{"type", "string"}};
    case Type::path:
      return key.text == TextRule::filled ? Json{{"type", "string"}, {"minLength", 1}}
                                          : Json{{"type", "string"}};
    case Type::choice:
      return {{"type", "string"}, {"enum", key.choices}};
    case Type::bytes:
      return {{"type", "string"}, {"pattern", "^[0-9]+([KMGT]i?B|kB|B)?$"}};
    case Type::duration:
      return {{"type", "string"}, {"pattern", "^[0-9.]+(ns|us|ms|s|min|h)$"}};
    case Type::integer:
    case Type::real: {
      Json schema = {{"type", key.type == Type::integer ? "integer" : "number"}};
      add_range(key, schema);
      return schema;
    }
    case Type::integers:
      break;
  }
  Json item = {{"type", "integer"}};
  add_range(key, item);
  return {{"type", "array"}, {"minItems", 1}, {"uniqueItems", true}, {"items", std::move(item)}};
}

template <class Owner>
Json key_schema(const Key<Owner>& key) {
  const std::string scope_text = scope(key);
  Json schema = type_schema(key);
  schema["description"] = fmt::format("{}{}{}", key.help, scope_text.empty() ? "" : " ", scope_text);
  if (!key.required) schema["default"] = value_json(key.get(Owner()));
  return schema;
}

template <class Owner>
Json section_schema(const Section<Owner>& section) {
  Json schema = {{"type", "object"}, {"description", section.help}, {"additionalProperties", false}};
  Json required = Json::array();
  for (const Key<Owner>& key : section.keys) {
    schema["properties"][std::string(key.name)] = key_schema(key);
    if (key.required && key.only_with.empty()) required.push_back(key.name);
  }
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

}  // namespace

std::string config_markdown() {
  std::string text(kIntroduction);
  for (const auto& section : job_sections())
    text += section_markdown(section, fmt::format("[{}]", section.name));
  return text + section_markdown(layer_section(), "[[model.layer]]");
}

std::string config_json_schema() {
  Json sections;
  for (const auto& section : job_sections()) sections[std::string(section.name)] = section_schema(section);
  const Json layers = {{"type", "array"}, {"minItems", 1}, {"items", section_schema(layer_section())}};
  sections[std::string(kModelSection)] = {{"type", "object"},
                                          {"additionalProperties", false},
                                          {"required", {kLayerList}},
                                          {"properties", {{std::string(kLayerList), layers}}}};
  const Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                       {"title", "An Eightfold job file"},
                       {"type", "object"},
                       {"additionalProperties", false},
                       {"required", {"job", kModelSection}},
                       {"properties", std::move(sections)}};
  return base::json_page(schema);
}

}  // namespace eightfold::runtime::config
