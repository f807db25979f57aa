#include "runtime/job/describe.hpp"

#include "kernels/base/file.hpp"
#include "runtime/job/keys.hpp"
#include "tests/support/test.hpp"

#include <nlohmann/json.hpp>

using namespace eightfold;
using namespace eightfold::runtime::config;
using Json = nlohmann::json;

namespace {

Json schema() {
  return Json::parse(runtime::job::config_json_schema());
}

template <class Owner>
void check_section_schema(const Section<Owner>& section, const Json& json) {
  INFO(section.name);
  CHECK(json.at("type") == "object");
  CHECK(json.at("additionalProperties") == false);
  CHECK(json.at("properties").size() == section.keys.size());
  for (const Key<Owner>& key : section.keys) {
    INFO(key.name);
    const Json& property = json.at("properties").at(std::string(key.name));
    CHECK(property.at("description").get<std::string>().starts_with(key.help));
    CHECK(property.contains("default") != key.required);
    CHECK(property.contains("enum") == (key.type == Type::choice));
  }
}

}  // namespace

TEST_CASE("docs/config.md is what the table of keys says") {
  // To renew the page: eightfold config docs > docs/config.md
  const std::string page = base::read_file(EIGHTFOLD_SOURCE_DIR "/docs/config.md", 1 << 20);
  CHECK(page == runtime::job::config_markdown());
}

TEST_CASE("the page has a line for every key") {
  const std::string page = runtime::job::config_markdown();
  for (const auto& section : runtime::job::job_sections()) {
    CHECK(page.find("\n## [" + std::string(section.name) + "]\n") != std::string::npos);
    for (const auto& key : section.keys)
      CHECK(page.find("\n| `" + std::string(key.name) + "` | " + key.allowed()) != std::string::npos);
  }
  for (const auto& key : runtime::job::layer_section().keys)
    CHECK(page.find("\n| `" + std::string(key.name) + "` | " + key.allowed()) != std::string::npos);
}

TEST_CASE("the schema is JSON and describes every key") {
  const Json root = schema();
  CHECK(root.at("required") == Json::array({"job", "model"}));
  CHECK(root.at("properties").size() == runtime::job::job_sections().size() + 1);
  for (const auto& section : runtime::job::job_sections())
    check_section_schema(section, root.at("properties").at(std::string(section.name)));
  const Json& layers = root.at("properties").at("model").at("properties").at("layer");
  CHECK(layers.at("type") == "array");
  CHECK(layers.at("minItems") == 1);
  check_section_schema(runtime::job::layer_section(), layers.at("items"));
}

TEST_CASE("the schema has the constraints of each type") {
  const Json root = schema();
  const Json& sections = root.at("properties");
  const auto property = [&](const char* section, const char* key) {
    return sections.at(section).at("properties").at(key);
  };
  CHECK(sections.at("job").at("required") == Json::array({"name"}));
  CHECK_FALSE(sections.at("schedule").contains("required"));  // step_epochs only is with kind = "step"
  CHECK(property("job", "global_batch").at("minimum") == 1);
  CHECK(property("optimizer", "momentum").at("exclusiveMaximum") == 1.0);
  CHECK(property("optimizer", "kind").at("enum") == Json::array({"sgd", "rmsprop", "adamw", "lion"}));
  CHECK(property("optimizer", "nesterov").at("type") == "boolean");
  CHECK(property("exchange", "bucket").at("default") == "4MiB");
  CHECK(property("schedule", "step_epochs").at("items").at("minimum") == 1);
  CHECK(property("data", "dir").at("minLength") == 1);
}
