#include "runtime/job/keys.hpp"

#include "tests/support/test.hpp"

#include <set>

using namespace eightfold::runtime::config;

namespace {

// Conditions can only be asked of keys of the same section that hold a choice, and only about choices it has.
template <class Owner>
void check_section(const Section<Owner>& section) {
  INFO("section " << section.name);
  CHECK_FALSE(section.help.empty());
  std::set<std::string_view> seen;
  for (const Key<Owner>& key : section.keys) {
    INFO("key " << key.name);
    CHECK(key.help.size() > 8);
    CHECK(key.help.back() == '.');
    CHECK((key.type == Type::bytes) == (key.unit == "bytes"));
    for (const Condition& condition : key.only_with) {
      REQUIRE(seen.contains(condition.key));
      for (const std::string_view value : condition.values)
        CHECK(section.find(condition.key)->accepts(std::string(value)));
    }
    CHECK(seen.insert(key.name).second);
  }
}

}  // namespace

TEST_CASE("every key is named once, explained, and depends only on choices before it") {
  for (const auto& section : eightfold::runtime::job::job_sections()) check_section(section);
  check_section(eightfold::runtime::job::layer_section());
}

TEST_CASE("every default that is not a required key's is a value that its key accepts") {
  const JobConfig config;
  for (const auto& section : eightfold::runtime::job::job_sections())
    for (const auto& key : section.keys) {
      INFO(section.name << "." << key.name);
      CHECK((key.accepts(key.get(config)) || key.required));
    }
  const Layer layer;
  for (const auto& key : eightfold::runtime::job::layer_section().keys) {
    INFO(key.name);
    CHECK((key.accepts(key.get(layer)) || key.required));
  }
}
