#include "runtime/job/describe.hpp"

#include "kernels/base/json.hpp"
#include "runtime/config/markdown.hpp"
#include "runtime/job/keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace eightfold::runtime::job {
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

Json value_json(const config::Value& value) {
  return std::visit([](const auto& plain) { return Json(plain); }, value);
}

void add_range(const config::KeyFacts& key, Json& schema) {
  const bool whole = key.type != config::Type::real;
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
Json type_schema(const config::KeyFacts& key) {
  switch (key.type) {
    case config::Type::boolean:
      return {{"type", "boolean"}};
    case config::Type::text:
      if (key.text == config::TextRule::name) return {{"type", "string"}, {"pattern", "^[A-Za-z0-9._-]+$"}};
      return key.text == config::TextRule::filled ? Json{{"type", "string"}, {"minLength", 1}}
                                                  : Json{{"type", "string"}};
    case config::Type::path:
      return key.text == config::TextRule::filled ? Json{{"type", "string"}, {"minLength", 1}}
                                                  : Json{{"type", "string"}};
    case config::Type::choice:
      return {{"type", "string"}, {"enum", key.choices}};
    case config::Type::bytes:
      return {{"type", "string"}, {"pattern", "^[0-9]+([KMGT]i?B|kB|B)?$"}};
    case config::Type::duration:
      return {{"type", "string"}, {"pattern", "^[0-9.]+(ns|us|ms|s|min|h)$"}};
    case config::Type::integer:
    case config::Type::real: {
      Json schema = {{"type", key.type == config::Type::integer ? "integer" : "number"}};
      add_range(key, schema);
      return schema;
    }
    case config::Type::integers:
      break;
  }
  Json item = {{"type", "integer"}};
  add_range(key, item);
  return {{"type", "array"}, {"minItems", 1}, {"uniqueItems", true}, {"items", std::move(item)}};
}

template <class Owner>
Json key_schema(const config::Key<Owner>& key) {
  const std::string scope_text = config::scope(key);
  Json schema = type_schema(key);
  schema["description"] = fmt::format("{}{}{}", key.help, scope_text.empty() ? "" : " ", scope_text);
  if (!key.required) schema["default"] = value_json(key.get(Owner()));
  return schema;
}

template <class Owner>
Json section_schema(const config::Section<Owner>& section) {
  Json schema = {{"type", "object"}, {"description", section.help}, {"additionalProperties", false}};
  Json required = Json::array();
  for (const config::Key<Owner>& key : section.keys) {
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
    text += config::section_markdown(section, fmt::format("[{}]", section.name));
  return text + config::section_markdown(layer_section(), "[[model.layer]]");
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

}  // namespace eightfold::runtime::job
